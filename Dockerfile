# Build: docker build -t tracker .
# Run:   docker run -v tracker-var:/srv/var -v ./config:/srv/config:ro tracker
# Pages: make an account first, then let them be reached from outside the container:
#        docker run -it -v tracker-var:/srv/var tracker user add NAME --role supervisor
#        docker run -e TRACKER_WEB=0.0.0.0:8080 -p 127.0.0.1:8080:8080 -v tracker-var:/srv/var \
#                   -v ./config:/srv/config:ro tracker
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements-postgres.lock ./
RUN python -m venv /opt/tracker \
 && /opt/tracker/bin/pip install --no-cache-dir --require-hashes -r requirements-postgres.lock
COPY . .
RUN /opt/tracker/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --system --home /srv tracker && mkdir -p /srv/var && chown tracker /srv/var
COPY --from=build /opt/tracker /opt/tracker
WORKDIR /srv
# A campaign to start from; mount your own over /srv/config and /srv/templates.
RUN /opt/tracker/bin/tracker init /srv
ENV PATH=/opt/tracker/bin:$PATH TRACKER_CONFIG=/srv/config \
    TRACKER_DATABASE=sqlite:////srv/var/tracker.db TZ=Asia/Shanghai
USER tracker
VOLUME /srv/var
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["tracker"]
CMD ["run"]
