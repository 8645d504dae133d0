import asyncio
import json
import os
import stat

import httpx
import pytest
from conftest import until
from medr1_workbench import relay
from medr1_workbench.backend import client
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect


async def refused(fetch):
    with pytest.raises(HTTPClientError) as caught:
        await fetch
    return caught.value


@pytest.fixture
def signed_in(jp_serverapp, http_server_client, jp_base_url, jp_asyncio_loop):
    """The cookies of a browser that opened the link with the token."""
    url = f"{jp_base_url}tree?token={jp_serverapp.identity_provider.token}"
    answer = jp_asyncio_loop.run_until_complete(http_server_client.fetch(url, follow_redirects=False, raise_error=False))
    return "; ".join(value.split(";")[0] for value in answer.headers.get_list("Set-Cookie"))


REST = ["status", "restart", "api/echo", "api/ws"]


@pytest.mark.parametrize("path", REST)
async def test_nothing_answers_without_jupyters_token(running, http_server_client, jp_base_url, path):
    method = "POST" if path == "restart" else "GET"
    error = await refused(
        http_server_client.fetch(
            f"{jp_base_url}medr1/{path}", method=method, body=b"" if method == "POST" else None, follow_redirects=False
        )
    )
    assert error.code in (302, 403)
    assert running.sidecar.restarts == 0


async def test_a_wrong_token_is_refused(running, jp_fetch):
    assert (await refused(jp_fetch("medr1/api/echo", headers={"Authorization": "token wrong"}))).code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_cookie_without_the_xsrf_token_changes_nothing(running, signed_in, http_server_client, jp_base_url, method):
    body = None if method == "DELETE" else b"{}"
    url = f"{jp_base_url}medr1/api/echo"
    assert (await http_server_client.fetch(url, headers={"Cookie": signed_in})).code == 200
    error = await refused(http_server_client.fetch(url, method=method, body=body, headers={"Cookie": signed_in}))
    assert error.code == 403
    assert b"xsrf" in error.response.body.lower()


async def test_every_authorizer_is_asked(running, jp_serverapp, jp_fetch, jp_ws_fetch, monkeypatch):
    asked = []

    async def is_authorized(handler, user, action, resource):
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", is_authorized)
    assert (await refused(jp_fetch("medr1/status"))).code == 403
    assert (await refused(jp_fetch("medr1/api/echo"))).code == 403
    assert (await refused(jp_fetch("medr1/api/echo", method="POST", body="{}"))).code == 403
    assert (await refused(jp_ws_fetch("medr1/api/ws"))).code == 403
    assert asked == [("read", "medr1"), ("read", "medr1"), ("write", "medr1"), ("read", "medr1")]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_request_arrives_as_it_was_sent_but_without_what_is_jupyters(
    running, jp_serverapp, http_server_client, jp_base_url, method
):
    token = jp_serverapp.identity_provider.token
    url = f"{jp_base_url}medr1/api/echo/a%2Fb?q=%C3%A9&q=2&empty=&token={token}&_xsrf=x"
    body = json.dumps({"text": "\u00e9"}) if method in ("POST", "PUT", "PATCH") else None
    headers = {"Cookie": "session=1", "Content-Type": "application/json", "If-None-Match": '"abc"', "Referer": "http://x"}
    answer = await http_server_client.fetch(url, method=method, body=body, headers=headers)
    seen = json.loads(answer.body)
    assert seen["method"] == method
    assert seen["uri"] == "/api/echo/a%2Fb?q=%C3%A9&q=2&empty="
    assert seen["body"] == (body or "")
    assert seen["headers"]["Authorization"] == f"Bearer {running.folder.connection.secret}"
    assert seen["headers"]["If-None-Match"] == '"abc"'
    assert not {"Cookie", "Referer", "Origin"} & seen["headers"].keys()
    assert answer.headers["Etag"] == '"abc"'
    assert "from=backend" not in answer.headers.get("Set-Cookie", "")


async def test_bytes_and_caching_pass_through(running, jp_fetch):
    answer = await jp_fetch("medr1/api/picture")
    assert answer.body == b"\x89PNG" + bytes(range(256)) * 1000
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private, max-age=3600"
    assert answer.headers["X-Image-Size"] == "640x480"


@pytest.mark.parametrize("path", ["echo/../secret", "echo/%2e%2e/secret", "./echo", "echo/..%5Csecret"])
async def test_a_path_may_not_climb(running, http_server_client, jp_base_url, jp_auth_header, path):
    assert (await refused(http_server_client.fetch(f"{jp_base_url}medr1/api/{path}", headers=jp_auth_header))).code == 404


async def test_ids_by_the_ten_thousand_pass(running, jp_fetch):
    body = json.dumps({"ids": [f"question-{n:024}" for n in range(40_000)]})
    assert len(body) > 1 << 20
    response = await jp_fetch("medr1", "api", "echo", method="POST", body=body)
    assert json.loads(response.body)["body"] == body


async def test_a_body_over_the_limit_is_refused(running, jp_fetch):
    try:
        await jp_fetch("medr1/api/echo", method="POST", body=b"x" * ((4 << 20) + 1))
    except HTTPClientError as error:
        assert error.code in (413, 599)  # 599: the connection was cut while the rest was still on its way
    except OSError:
        pass
    else:
        raise AssertionError("16 MiB and one byte were taken")


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "0x10"])
async def test_a_length_that_is_no_number_is_refused(running, http_server_client, jp_http_port, jp_base_url, jp_auth_header, length):
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    authorization = "".join(f"{name}: {value}\r\n" for name, value in jp_auth_header.items())
    head = f"POST {jp_base_url}medr1/api/echo HTTP/1.1\r\nHost: localhost:{jp_http_port}\r\n{authorization}Content-Length: {length}\r\n\r\n"
    writer.write(head.encode())
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


async def test_an_answer_that_breaks_off_does_not_pass_for_whole(running, jp_fetch):
    with pytest.raises((HTTPClientError, OSError)):
        await jp_fetch("medr1/api/broken", request_timeout=5)


async def test_what_only_reads_is_asked_again_where_a_kept_connection_is_closed_as_it_is_used(running, jp_fetch):
    assert (await jp_fetch("medr1/api/once")).code == 200
    assert (await jp_fetch("medr1/api/once")).code == 200
    error = await refused(jp_fetch("medr1/api/once", method="POST", body="{}"))
    assert error.code == 502
    assert json.loads(error.response.body)["code"] == "BACKEND_LOST"


def test_so_it_is_in_notebooks(running):
    with client(running.sidecar.connection) as backend:
        assert backend.get("once").status_code == 200
        assert backend.get("once").status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            backend.post("once")


async def test_an_answer_of_a_model_may_take_longer_than_others(running, jp_fetch, monkeypatch):
    monkeypatch.setattr(relay, "TIMEOUT", httpx.Timeout(None, read=0.1))
    error = await refused(jp_fetch("medr1/api/slow"))
    assert error.code == 504
    assert json.loads(error.response.body)["code"] == "BACKEND_SLOW"
    assert (await jp_fetch("medr1/api/generate", method="POST", body="{}")).code == 200


async def test_while_the_backend_is_down_the_page_is_told_why(workbench, jp_fetch, jp_ws_fetch):
    await workbench.sidecar.stop()
    error = await refused(jp_fetch("medr1/api/echo"))
    assert error.code == 503
    assert json.loads(error.response.body).keys() == {"code", "message", "remedy"}
    status = json.loads((await jp_fetch("medr1/status")).body)
    assert status["state"] == "stopped"
    assert status["remedy"]
    socket = await jp_ws_fetch("medr1/api/ws")
    assert await socket.read_message() is None
    assert socket.close_code == 1013
    await jp_fetch("medr1/restart", method="POST", body="")
    await until(lambda: workbench.sidecar.state == "running")
    assert (await jp_fetch("medr1/api/echo")).code == 200


async def test_a_page_that_asks_while_jupyter_stops_is_told_that_the_backend_is_down(running, jp_fetch):
    await running.backend.aclose()
    error = await refused(jp_fetch("medr1/api/echo"))
    assert error.code == 503
    assert json.loads(error.response.body)["code"] == "BACKEND_DOWN"


async def test_frames_pass_both_ways_in_order(running, jp_ws_fetch):
    socket = await jp_ws_fetch("medr1/api/ws")
    for i in range(200):
        socket.write_message(f"{i}")
    assert [await socket.read_message() for _ in range(200)] == [str(i) for i in range(200)]
    await socket.write_message(b"\x00\xff", binary=True)
    assert await socket.read_message() == b"\x00\xff"
    socket.close()


async def test_the_backends_websocket_knows_the_secret_and_nothing_of_the_browser(running, jp_ws_fetch):
    socket = await jp_ws_fetch("medr1/api/ws", headers={"Cookie": "session=1"})
    socket.write_message("headers")
    headers = json.loads(await socket.read_message())
    assert headers["Authorization"] == f"Bearer {running.folder.connection.secret}"
    assert not {"Cookie", "Origin", "Sec-Websocket-Extensions"} & headers.keys()
    socket.close()


async def test_the_backends_close_code_reaches_the_page(running, jp_ws_fetch):
    socket = await jp_ws_fetch("medr1/api/ws")
    socket.write_message("close")
    assert await socket.read_message() is None
    assert (socket.close_code, socket.close_reason) == (4010, "other protocol")


async def test_a_backend_that_dies_closes_its_sockets_with_try_again_later(running, jp_ws_fetch):
    socket = await jp_ws_fetch("medr1/api/ws")
    socket.write_message("die")
    assert await socket.read_message() is None
    assert socket.close_code == 1013


async def test_a_frame_over_one_mebibyte_closes_the_socket(running, jp_ws_fetch):
    socket = await jp_ws_fetch("medr1/api/ws")
    socket.write_message("x" * ((1 << 20) + 1))
    assert await socket.read_message() is None
    assert socket.close_code == 1009


async def test_a_page_of_another_origin_gets_no_websocket_by_the_users_cookie(running, signed_in, jp_http_port, jp_base_url):
    url = f"ws://127.0.0.1:{jp_http_port}{jp_base_url}medr1/api/ws"
    at_home = await websocket_connect(HTTPRequest(url, headers={"Cookie": signed_in, "Origin": f"http://127.0.0.1:{jp_http_port}"}))
    at_home.close()
    elsewhere = HTTPRequest(url, headers={"Cookie": signed_in, "Origin": "http://evil.example"})
    assert (await refused(websocket_connect(elsewhere))).code == 403


async def test_polling_is_no_activity_but_acting_is(running, jp_serverapp, jp_fetch):
    settings = jp_serverapp.web_app.settings
    before = settings.get("api_last_activity")
    await jp_fetch("medr1/api/echo")
    await jp_fetch("medr1/status")
    assert settings.get("api_last_activity") == before
    await jp_fetch("medr1/api/echo", method="POST", body="{}")
    assert settings.get("api_last_activity") != before


def test_the_connection_file_is_for_this_user_alone(running):
    file = running.folder.file
    assert os.environ["MEDR1_CONNECTION_FILE"] == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_post_stands_for_the_method_that_it_names(running, jp_fetch, method):
    answer = await jp_fetch("medr1/api/echo", method="POST", body="{}", headers={"X-HTTP-Method-Override": method})
    assert json.loads(answer.body)["method"] == method


@pytest.mark.parametrize("method, meant", [("GET", "DELETE"), ("POST", "GET"), ("POST", "CONNECT")])
async def test_nothing_else_stands_for_another_method(running, jp_fetch, method, meant):
    body = None if method == "GET" else "{}"
    answer = await jp_fetch("medr1/api/echo", method=method, body=body, headers={"X-HTTP-Method-Override": meant})
    assert json.loads(answer.body)["method"] == method
