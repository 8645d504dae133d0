"""A stand-in for `medr1 serve` that says what reached it and misbehaves when told to by FAKE_BACKEND."""

import asyncio
import json
import os
import sys
import weakref

from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.websocket import WebSocketHandler

MODE = os.environ.get("FAKE_BACKEND", "")
# Connections that had an answer of Once.
USED = weakref.WeakSet()


class Echo(web.RequestHandler):
    def answer(self):
        body = self.request.body.decode()
        self.set_header("Set-Cookie", "from=backend")
        self.set_header("ETag", '"abc"')
        self.finish(
            json.dumps({"method": self.request.method, "uri": self.request.uri, "headers": dict(self.request.headers), "body": body})
        )

    get = post = put = patch = delete = answer


class Picture(web.RequestHandler):
    def get(self):
        self.set_header("Content-Type", "image/png")
        self.set_header("Cache-Control", "private, max-age=3600")
        self.set_header("X-Image-Size", "640x480")
        self.finish(b"\x89PNG" + bytes(range(256)) * 1000)


class Server(web.RequestHandler):
    def get(self):
        self.finish({"version": "fake"})


class Slow(web.RequestHandler):
    """Answers after half a second."""

    async def get(self):
        await asyncio.sleep(0.5)
        self.finish({})

    post = get


class Broken(web.RequestHandler):
    """Promises more than it sends."""

    async def get(self):
        self.set_header("Content-Length", "1000")
        self.write(b"x" * 10)
        await self.flush()
        self.request.connection.stream.close()


class Once(web.RequestHandler):
    """Closes each connection at its second request, as a server that closes what nobody uses may do."""

    def answer(self):
        stream = self.request.connection.stream
        if stream in USED:
            stream.close()
            return
        USED.add(stream)
        self.finish({})

    get = post = answer


class Socket(WebSocketHandler):
    def check_origin(self, origin):
        return True

    def on_message(self, message):
        if message == "headers":
            self.write_message(json.dumps(dict(self.request.headers)))
        elif message == "close":
            self.close(4010, "other protocol")
        elif message == "die":
            os._exit(3)
        else:
            self.write_message(message, binary=isinstance(message, bytes))


async def main():
    if MODE == "crash":
        print("no libtorch here", file=sys.stderr, flush=True)
        sys.exit(7)
    if MODE == "silent":
        await asyncio.sleep(3600)
    if MODE == "family":
        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(3600)"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", stubborn)
        print(f"child {child.pid}", file=sys.stderr, flush=True)
    path = sys.argv[sys.argv.index("--socket") + 1]
    routes = [
        (r"/api/echo.*", Echo),
        (r"/api/server", Server),
        (r"/api/picture", Picture),
        (r"/api/broken", Broken),
        (r"/api/once", Once),
        (r"/api/(?:slow|generate)", Slow),
        (r"/api/ws", Socket),
    ]
    HTTPServer(web.Application(routes)).add_socket(bind_unix_socket(path))
    protocol = 99 if MODE == "other-protocol" else 1
    print(json.dumps({"protocol": protocol, "version": "fake", "pid": os.getpid(), "socket": path}), flush=True)
    # Ends with its parent, as the real one does.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main())
