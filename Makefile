# Everything starts from Python 3.11+, pip and make. The environment lives in .venv.
