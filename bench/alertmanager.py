"""Prometheus' Alertmanager (Go) on the same work: as many groups with as many alerts, mailed to the same sink."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.child import FailedError, Ran
from bench.sink import free_port, needed, sink, wait_until_open

LOT = 2_000
CONFIG = """\
global:
  smtp_smarthost: 127.0.0.1:{sink}
  smtp_from: bench@bench.internal
  smtp_require_tls: false
route:
  receiver: units
  group_by: [unit]
  group_wait: {wait}s
  group_interval: 1h
  repeat_interval: 24h
receivers:
  - name: units
    email_configs:
      - to: '{{{{ .CommonLabels.unit }}}}@bench.internal'
        send_resolved: false
"""


def alertmanager(folder: Path, groups: int, alerts: int, group_wait: int) -> Ran:
    """One run: the rate at the sink from the first mail to the last, the CPU a mail from the first alert on."""
    with sink() as server, _running(folder, server.port, group_wait) as (process, port):
        before = _cpu(process.pid)
        _post(port, groups, alerts)
        if server.count:
            raise FailedError("the first mail went out before the last alert was in")
        server.wait_for(groups, group_wait + 120)
        cpu, peak = _cpu(process.pid) - before, _peak(process.pid)
        return Ran({"rate": server.rate_since(0), "cpu": cpu / groups * 1000}, 0.0, cpu, peak)


@contextmanager
def _running(folder: Path, sink_port: int, group_wait: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    program = needed("prometheus-alertmanager", "prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(sink=sink_port, wait=group_wait), encoding="utf-8")
    port = free_port()
    arguments = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port, program)
        yield process, port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _post(port: int, groups: int, alerts: int) -> None:
    """One alert of every group first, so that their waiting times begin together."""
    everything = [
        {
            "labels": {"alertname": f"task-{alert + 1}", "unit": f"u{group}", "severity": "due"},
            "annotations": {"summary": "组织力量开展拉网式排查", "deadline": "2022年5月12日前"},
        }
        for alert in range(alerts)
        for group in range(groups)
    ]
    for start in range(0, len(everything), LOT):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v2/alerts",
            data=json.dumps(everything[start : start + LOT]).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
