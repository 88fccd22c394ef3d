"""The command line's TLS: a front before a node, with certificates of an authority made here, good and bad. A part of
node_clients.py."""

import os
import socket
import ssl
import struct
import subprocess
import threading

from solders.keypair import Keypair
from solders.litesvm import LiteSVM

from node import Node, binary
from node_tools import program

MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, and certificates of it: for this machine, for another name, one that has expired."""
    os.makedirs(folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("authority", "stranger"):
        openssl(folder, "req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
    open(os.path.join(folder, "index"), "w").close()
    with open(os.path.join(folder, "ca.conf"), "w") as file:
        file.write("[ca]\ndefault_ca=one\n[one]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\nunique_subject=no\n[any]\ncommonName=supplied\n")
    for name, names, end in (("good", "DNS:localhost,IP:127.0.0.1,IP:::1", "20990101000000Z"), ("other", "DNS:other.example", "20990101000000Z"), ("old", "DNS:localhost,IP:127.0.0.1", "20200102000000Z")):
        openssl(folder, "req", "-new", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=server", "-addext", f"subjectAltName={names}")
        openssl(folder, "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "authority.pem", "-keyfile", "authority.key",
                "-startdate", "20200101000000Z", "-enddate", end, "-in", f"{name}.csr", "-out", f"{name}.pem")  # fmt: skip


class Front:
    """Speaks TLS with clients and passes on what they say to `node`; `cut`: ends connections after so many bytes of an answer."""

    def __init__(self, folder, name, node, cut=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key"))
        self.node, self.cut, self.listener = node.address, cut, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def listen(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            client = self.context.wrap_socket(client, server_side=True)
        except OSError:
            return
        server = socket.create_connection(self.node)
        threading.Thread(target=self.pump, args=(client, server, None), daemon=True).start()
        self.pump(server, client, self.cut)

    def pump(self, source, sink, cut):
        try:
            while data := source.recv(65536):
                sink.sendall(data[:cut])
                if cut is not None:
                    break
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


def tls(bench):
    folder = os.path.join(bench.folder, "certificates")
    certificates(folder)
    environment = {**os.environ, "SSL_CERT_FILE": os.path.join(folder, "authority.pem")}
    key = os.path.join(folder, "payer.json")

    def start(*words, trusted="authority.pem"):
        known = {**environment, "SSL_CERT_FILE": os.path.join(folder, trusted)} if trusted else os.environ
        return subprocess.Popen([binary(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=known)

    def ok(*words):
        process = start(*words)
        out, errors = process.communicate(timeout=60)
        bench.expect(process.returncode == 0, f"over TLS: {words[:2]}", errors[-500:])
        return out

    def refused(text, *words, **options):
        process = start(*words, **options)
        errors = process.communicate(timeout=60)[1]
        bench.expect(process.returncode == 1 and text in errors, f"{words}: {text}", errors[-500:])

    # A server that takes the connection and says nothing is given up after ten seconds; other parts run meanwhile.
    silent = socket.create_server(("127.0.0.1", 0))
    waiting = start("slot", "--url", f"https://127.0.0.1:{silent.getsockname()[1]}")
    with Front(folder, "good", bench.node) as front:
        local = f"https://localhost:{front.port}"
        for url in (front.url, local, f"wss://localhost:{front.port}"):
            bench.expect(int(ok("slot", "--url", url)) > 0, "slot over TLS")
        ok("keygen", "-o", key)
        ok("airdrop", "5", key, "--url", local)
        memo = os.path.join(folder, "memo.so")
        with open(memo, "wb") as file:
            file.write(program(LiteSVM(), MEMO))
        ok("deploy", memo, "--keypair", key, "--url", local)
        friend = str(Keypair().pubkey())
        logs = start("logs", friend, "--count", "1", "--url", local)
        bench.expect("listening" in logs.stderr.readline(), "logs listens over TLS")
        ok("transfer", friend, "1", "--keypair", key, "--url", front.url)
        out, errors = logs.communicate(timeout=30)
        bench.expect(logs.returncode == 0 and "Program 11111111111111111111111111111111 success" in out, "logs over TLS", errors)
        os.environ["SSL_CERT_FILE"] = environment["SSL_CERT_FILE"]
        try:
            with Node(os.path.join(bench.folder, "cloned-over-tls"), "--instant", "--no-mainnet-programs", "--url", local, "--clone", friend) as node:
                bench.equal(node.call("getBalance", friend)["value"], 10**9, "--clone over TLS")
        finally:
            del os.environ["SSL_CERT_FILE"]
        for verb in (["slot"], ["logs", friend]):
            refused("the certificate of localhost is not trusted", *verb, "--url", local, trusted="stranger.pem")
        refused("name its authority's certificate in $SSL_CERT_FILE", "slot", "--url", local, trusted=None)
        refused("is no file of certificates", "slot", "--url", local, trusted="nowhere.pem")
        refused("is no file of certificates", "slot", "--url", local, trusted="authority.key")
        # HTTP where TLS is spoken, and TLS where HTTP is.
        refused("the connection ended before the answer", "slot", "--url", f"http://127.0.0.1:{front.port}")
    refused("is it TLS that is spoken there?", "slot", "--url", bench.node.url.replace("http:", "https:"))
    for name, text in (("other", "the certificate is not for localhost"), ("old", "the certificate of localhost has expired")):
        with Front(folder, name, bench.node) as front:
            for verb in (["slot"], ["logs"]):
                refused(text, *verb, "--url", f"https://localhost:{front.port}")
    with Front(folder, "other", bench.node) as front:
        refused("the certificate is not for 127.0.0.1", "slot", "--url", front.url)
    for cut in (0, 40):
        with Front(folder, "good", bench.node, cut=cut) as front:
            refused("the connection ended before the answer", "slot", "--url", front.url)
    refused("nobody listens there", "slot", "--url", "https://127.0.0.1:9")
    # Ended, or reset, before the handshake.
    for linger in (None, struct.pack("ii", 1, 0)):
        closing = socket.create_server(("127.0.0.1", 0))

        def end(server=closing, linger=linger):
            accepted = server.accept()[0]
            if linger:
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            accepted.close()

        for verb in ("slot", "logs"):
            threading.Thread(target=end, daemon=True).start()
            refused("there is no secure connection", verb, "--url", f"https://127.0.0.1:{closing.getsockname()[1]}")
        closing.close()

    def silence():
        errors = waiting.communicate(timeout=30)[1]
        bench.expect(waiting.returncode == 1 and "no handshake within 10 s" in errors, "a server that says nothing", errors)
        silent.close()

    bench.later.append(silence)
