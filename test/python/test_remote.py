"""connect(url=...): what lies between a script and the Jupyter server."""

import asyncio
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import medr1_workbench as wb
import pytest


class OnlyGetAndPost(httpx.MockTransport):
    """A backend behind a proxy that lets through GET and POST alone."""

    def __init__(self, status, body):
        self.asked = []

        def answer(request):
            self.asked.append((request.method, request.headers.get("X-HTTP-Method-Override")))
            passes = request.method in ("GET", "POST")
            return httpx.Response(200, json={}) if passes else httpx.Response(status, content=body)

        super().__init__(answer)


def client_of(transport):
    return wb.Client(httpx.Client(transport=transport, base_url="http://host/medr1/api"))


@pytest.mark.parametrize("status", [405, 501])
def test_a_method_that_a_proxy_refuses_travels_as_a_post_that_names_it(status):
    proxy = OnlyGetAndPost(status, b"<html>Not allowed</html>")
    client = client_of(proxy)
    client.move_view(selection={"step": 1})
    client.request("DELETE", "/runs/x")
    assert proxy.asked == [("PATCH", None), ("POST", "PATCH"), ("POST", "DELETE")]


def test_a_refusal_of_the_backend_itself_is_not_asked_again():
    proxy = OnlyGetAndPost(405, b'{"code": "NO_ROUTE", "message": "No such route.", "remedy": "See docs/api.md."}')
    with pytest.raises(wb.WorkbenchError, match="No such route"):
        client_of(proxy).request("DELETE", "/x")
    assert proxy.asked == [("DELETE", None)]


class TestWithoutAToken:
    async def test_a_script_may_change_something(self, running, jp_serverapp, http_server_client, jp_base_url, jp_http_port):
        """Jupyter takes a POST without a token only with the value of a cookie that it gave."""
        jp_serverapp.identity_provider.token = ""
        client = await asyncio.to_thread(wb.connect, f"http://127.0.0.1:{jp_http_port}{jp_base_url}")
        for _ in range(2):
            echoed = await asyncio.to_thread(client.request, "POST", "/echo", {"a": 1})
            assert echoed["body"] == '{"a":1}'
        assert (await asyncio.to_thread(client.request, "DELETE", "/echo"))["method"] == "DELETE"


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A server with a certificate of its own making."""
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"runs": []}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/", certificate
    server.shutdown()


def test_a_certificate_of_its_own_is_refused_by_name_and_taken_when_it_is_given(secure):
    url, certificate = secure
    with pytest.raises(wb.WorkbenchError) as caught:
        wb.connect(url).runs()
    assert caught.value.code == "CERTIFICATE"
    assert "verify=" in caught.value.remedy
    for verify in (certificate, str(certificate), ssl.create_default_context(cafile=certificate), False):
        assert wb.connect(url, verify=verify).runs() == []


def test_a_file_that_holds_no_certificate_is_named(tmp_path):
    (tmp_path / "no.pem").write_text("no certificate")
    for name in ("no.pem", "nothing.pem"):
        with pytest.raises(wb.WorkbenchError, match=name):
            wb.connect("https://host/", verify=tmp_path / name)


def test_what_is_local_goes_by_no_proxy(secure, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    url, certificate = secure
    assert wb.connect(url, verify=certificate).runs() == []
    with pytest.raises(wb.WorkbenchError, match="refused"):  # by the proxy, which is not there
        wb.connect("http://elsewhere.invalid/").runs()
