"""In vLLM's place for the tests of its launcher: speaks just enough, in a process of its own, with a worker.

Its model's name decides what it does: "dies" ends at once, "hangs" never listens, anything else serves.
"""

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send({"data": [{"id": "base"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sys.stderr.write(f"asked {asked['model']} with {self.headers.get('Authorization')}\n")
        sys.stderr.flush()
        self._send({"choices": [{"message": {"content": '{"ok":true}'}, "finish_reason": "stop"}]})

    def _send(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    model, port = sys.argv[2], int(sys.argv[sys.argv.index("--port") + 1])
    if model == "dies":
        sys.exit("RuntimeError: no room for the model")
    if model == "hangs":
        time.sleep(600)
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    sys.stderr.write(f"worker {worker.pid} key {os.environ.get('VLLM_API_KEY')}\n")
    sys.stderr.flush()
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
