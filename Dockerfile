# Build: docker build -t tracker .
# Run:   docker run -v tracker-var:/srv/var -v tracker-sign:/srv/sign -v ./config:/srv/config:ro tracker
#        The sign in the second volume (ledger_sign in settings.yaml) tells of the ledger in the first: should that be
#        lost or not be mounted one day, nothing is sent again, and /readyz says what is wrong.
# Pages: make an account first, then let them be reached from outside the container:
#        docker run -it -v tracker-var:/srv/var -v tracker-sign:/srv/sign tracker user add NAME --role supervisor
#        docker run -e TRACKER_WEB=0.0.0.0:8080 -p 127.0.0.1:8080:8080 -v tracker-var:/srv/var \
#                   -v tracker-sign:/srv/sign -v ./config:/srv/config:ro tracker
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements-build.lock requirements-postgres.lock requirements-oidc.lock ./
# Both extras are in the image, since nothing can be added to it later; what builds the package stays in this stage.
RUN python -m venv /opt/tracker \
 && /opt/tracker/bin/pip install --no-cache-dir --require-hashes \
        -r requirements-postgres.lock -r requirements-oidc.lock \
 && pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY . .
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /dist . \
 && /opt/tracker/bin/pip install --no-cache-dir --no-index --no-deps /dist/*.whl

FROM python:3.11-slim
# By number, as a cluster that refuses root cannot read a name.
RUN useradd --uid 10001 --home /srv --no-create-home tracker && mkdir -p /srv/var /srv/sign \
 && chown 10001 /srv/var /srv/sign
COPY --from=build /opt/tracker /opt/tracker
WORKDIR /srv
# A campaign to start from; mount your own over /srv/config and /srv/templates.
RUN /opt/tracker/bin/tracker init /srv
ENV PATH=/opt/tracker/bin:$PATH TRACKER_CONFIG=/srv/config \
    TRACKER_DATABASE=sqlite:////srv/var/tracker.db TRACKER_LEDGER_SIGN=/srv/sign/ledger TZ=Asia/Shanghai
USER 10001
VOLUME /srv/var /srv/sign
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether the process answers, at the address that TRACKER_WEB or web in settings.yaml says (with web: off there is nothing
# to ask, and it is healthy); whether mails go out is /readyz, for alerts.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/tracker/bin/python", "-m", "tracker.web.alive"]
ENTRYPOINT ["tracker"]
CMD ["run"]
