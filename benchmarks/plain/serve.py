"""What a tutorial serves a Keras model with: a handler that decodes the image, calls `predict` and answers JSON.

python benchmarks/plain/serve.py MODEL        prints the port it listens on
"""

from __future__ import annotations

import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
from PIL import Image

MODEL = keras.models.load_model(sys.argv[1])
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two small packets; without this each answer waits 40 ms more

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        height, width = MODEL.input_shape[1:3]
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB").resize((width, height)))
        with LOCK:
            answer = float(MODEL.predict(pixels[None], verbose=0)[0, 0])
        body = json.dumps({"dog": answer, "cat": 1 - answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # 5 by default, which turns clients away that come together


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
