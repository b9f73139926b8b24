"""The cluster of ``--dask local`` takes work from the run that started it, and from nobody else."""

import socket

import pytest

from skyblot.runs.cluster import _local_cluster

distributed = pytest.importorskip("distributed")


def test_nobody_else_gets_into_a_local_cluster():
    with _local_cluster(1) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        assert client.submit(sum, [1, 2]).result() == 3
        addresses = [cluster.scheduler_address, *client.nthreads()]
        assert [each.partition("://")[0] for each in addresses] == ["tls", "tls"]
        for address in addresses:
            plain = address.replace("tls://", "tcp://")
            with pytest.raises(OSError):  # noqa: PT011 -- whatever the handshake ends with
                distributed.Client(plain, timeout=2, set_as_default=False)
            stranger = distributed.security.Security.temporary()
            with pytest.raises(OSError):  # noqa: PT011
                distributed.Client(address, timeout=2, set_as_default=False, security=stranger)
        host = socket.gethostbyname(addresses[0].split("://")[1].rsplit(":", 1)[0])
        assert host == "127.0.0.1"
