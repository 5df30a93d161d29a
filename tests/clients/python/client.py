"""Every call of toxiproxy-python, and what comes of it on real connections."""

import socket
import sys
import time
from contextlib import contextmanager

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

LIMIT = 20


def must(true, what):
    if not true:
        raise SystemExit("not as with Toxiproxy: %s" % (what,))


@contextmanager
def fails(kind, text):
    try:
        yield
    except kind as error:
        must(text in str(error), "%r in %s" % (text, error))
    else:
        must(False, "no %s" % kind.__name__)


def connect(proxy):
    host, port = proxy.listen.rsplit(":", 1)
    client = socket.create_connection((host, int(port)), LIMIT)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def exactly(client, count):
    got = b""
    while len(got) < count:
        more = client.recv(count - len(got))
        must(more, "only %r of %d bytes" % (got, count))
        got += more
    return got


def echo(client, data=b"ping"):
    """How long an echo takes, in milliseconds."""
    start = time.monotonic()
    client.sendall(data)
    must(exactly(client, len(data)) == data, "the echo is another")
    return (time.monotonic() - start) * 1000


def through(proxy, data=b"ping"):
    with connect(proxy) as client:
        return echo(client, data)


def silent(client, seconds=0.2):
    client.settimeout(seconds)
    try:
        client.recv(1)
        return False
    except socket.timeout:
        return True
    finally:
        client.settimeout(LIMIT)


def main(api, upstream):
    host, port = api.rsplit(":", 1)
    server = Toxiproxy()
    server.update_api_consumer(host, int(port))
    must(server.running(), "it runs")
    must(server.version() == b'{"version": "2.12.0"}\n', server.version())
    server.destroy_all()
    must(server.proxies() == {}, "no proxies")

    proxy = server.create(upstream=upstream, name="echo")
    must((proxy.name, proxy.upstream, proxy.enabled) == ("echo", upstream, True), "the proxy as made")
    must(not proxy.listen.endswith(":0"), "a port of its own")
    through(proxy)
    with fails(ProxyExists, "already exists"):
        server.create(upstream=upstream, name="echo")
    must(list(server.proxies()) == ["echo"], "it is listed")
    must(server.get_proxy("echo").listen == proxy.listen, "it is found")
    must(server.get_proxy("none") is None, "another is not")

    live = connect(proxy)
    must(echo(live) < 150, "it is fast")
    proxy.add_toxic(type="latency", attributes={"latency": 200, "jitter": 0})
    must(200 <= min(echo(live) for _ in range(3)) < 350, "a live connection is late")
    toxic = proxy.get_toxic("latency_downstream")
    must(
        (toxic.type, toxic.stream, toxic.toxicity, toxic.attributes)
        == ("latency", "downstream", 1, {"latency": 200, "jitter": 0}),
        "the toxic as made",
    )
    proxy.add_toxic(type="latency", name="up", stream="upstream", toxicity=1.0, attributes={"latency": 100})
    must(list(proxy.toxics()) == ["up", "latency_downstream"], "upstream comes first")
    must(min(echo(live) for _ in range(3)) >= 300, "they add up")
    must(proxy.destroy_toxic("up") and proxy.destroy_toxic("latency_downstream"), "they are removed")
    must(min(echo(live) for _ in range(3)) < 150, "it is fast again")

    with fails(NotFound, "toxic not found"):
        proxy.destroy_toxic("up")
    for wrong in (
        {"type": "none"},
        {"type": "noop", "stream": "sideways"},
        {"type": "latency", "attributes": {"latency": "much"}},
        {"type": "bandwidth", "attributes": {"rate": -4}},
        {"type": "slicer", "attributes": {"average_size": 0, "size_variation": 0}},
    ):
        with fails(InvalidToxic, '"status":400'):
            proxy.add_toxic(**wrong)

    proxy.add_toxic(type="bandwidth", attributes={"rate": 100})
    must(through(proxy, b"x" * 30000) >= 250, "it is narrow")
    proxy.destroy_toxic("bandwidth_downstream")

    proxy.add_toxic(type="slow_close", attributes={"delay": 300})
    with connect(proxy) as client:
        echo(client)
        start = time.monotonic()
        client.shutdown(socket.SHUT_WR)
        must(client.recv(1) == b"" and time.monotonic() - start >= 0.3, "the end is late")
    proxy.destroy_toxic("slow_close_downstream")

    proxy.add_toxic(type="timeout", attributes={"timeout": 300})
    with connect(proxy) as client:
        start = time.monotonic()
        client.sendall(b"ping")
        must(client.recv(4) == b"" and time.monotonic() - start >= 0.3, "silence, then the end")
    proxy.destroy_toxic("timeout_downstream")

    proxy.add_toxic(type="reset_peer", attributes={"timeout": 50})
    with connect(proxy) as client:
        client.sendall(b"ping")
        with fails(ConnectionResetError, ""):
            client.recv(4)
    proxy.destroy_toxic("reset_peer_downstream")

    proxy.add_toxic(type="slicer", attributes={"average_size": 10, "size_variation": 5, "delay": 2000})
    must(through(proxy, bytes(range(256))) >= 2 * 256 / 15 - 2, "in slices")
    proxy.destroy_toxic("slicer_downstream")

    proxy.add_toxic(type="limit_data", attributes={"bytes": 3})
    with connect(proxy) as client:
        client.sendall(b"ping")
        must(exactly(client, 3) == b"pin" and client.recv(1) == b"", "three bytes")
    proxy.destroy_toxic("limit_data_downstream")

    proxy.add_toxic(type="packet_loss", attributes={"loss_rate": 1.0})
    with connect(proxy) as client:
        client.sendall(b"ping")
        must(silent(client), "it is lost")

    # It enables all and removes all toxics, and connections live on. (The timeout has closed the one before.)
    must(live.recv(1) == b"", "it was closed")
    live = connect(proxy)
    must(server.reset(), "a reset")
    must(proxy.toxics() == {}, "no toxics")
    echo(live)

    proxy.disable()
    must(live.recv(1) == b"", "connections are closed")
    with fails(ConnectionRefusedError, ""):
        connect(proxy)
    must(server.get_proxy("echo").enabled is False, "it is disabled")
    proxy.enable()
    through(proxy)
    with proxy.down():
        with fails(ConnectionRefusedError, ""):
            connect(proxy)
    through(proxy)

    made = server.populate(
        [
            {"name": "echo", "upstream": upstream, "listen": proxy.listen},
            {"name": "second", "upstream": upstream, "listen": "127.0.0.1:0"},
            {"name": "off", "upstream": upstream, "listen": "127.0.0.1:0", "enabled": False},
        ]
    )
    must([proxy.name for proxy in made] == ["second", "off"], "what was there stays")
    must([proxy.enabled for proxy in made] == [True, False], "one is off")
    through(made[0])
    must(server.destroy(proxy), "one is deleted")
    with fails(NotFound, "proxy not found"):
        proxy.toxics()
    server.destroy_all()
    must(server.proxies() == {}, "all are deleted")


main(*sys.argv[1:])
print("as with Toxiproxy")
