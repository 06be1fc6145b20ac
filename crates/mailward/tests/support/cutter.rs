//! A proxy before a submission server that loses replies: it speaks TLS to
//! both sides, so that it sees the final dot, and cuts there as it is told.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// One message after another meets one word of `plan`, and then `pass`.
///
/// | word | what becomes of the dot |
/// | --- | --- |
/// | `pass` | goes through, and so does its reply |
/// | `before` | the connection is cut: the message is not taken |
/// | `after` | goes through, the reply is lost: the message is taken |
/// | `keep-before`, `keep-after` | the same, and the client is left waiting |
const PROXY: &str = r#"
import socket, ssl, sys, threading, time
port, certificate, key, plan, events = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4].split(","), sys.argv[5]
lock = threading.Lock()
server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_side.load_cert_chain(certificate, key)
client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
def reply(lines):
    text = b""
    while True:
        line = lines.readline()
        text += line
        if not line or line[3:4] != b"-":
            return text
def tell(word):
    with lock, open(events, "a") as file:
        file.write(word + "\n")
def serve(client):
    server = socket.create_connection(("127.0.0.1", port))
    said, asked = server.makefile("rb"), client.makefile("rb")
    client.sendall(reply(said))
    while True:
        line = asked.readline()
        if not line:
            return
        server.sendall(line)
        answer = reply(said)
        client.sendall(answer)
        if line.strip().upper() == b"STARTTLS":
            server = client_side.wrap_socket(server)
            client = server_side.wrap_socket(client, server_side=True)
            said, asked = server.makefile("rb"), client.makefile("rb")
        elif answer.startswith(b"354"):
            body = b""
            while True:
                line = asked.readline()
                if not line:
                    return
                if line == b".\r\n":
                    break
                body += line
            server.sendall(body)
            with lock:
                word = plan.pop(0) if plan else "pass"
            taken = not word.endswith("before")
            if taken:
                server.sendall(b".\r\n")
                answer = reply(said)
            if word != "pass":
                if not taken:
                    server.close()
                tell(word)
                if word.startswith("keep"):
                    time.sleep(600)
                return
            client.sendall(answer)
def guarded(client):
    try:
        serve(client)
    except (OSError, ValueError):
        pass
    finally:
        client.close()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    threading.Thread(target=guarded, args=(client,), daemon=True).start()
"#;

/// A running proxy, stopped when dropped.
pub struct Cutter {
    child: Child,
    pub port: u16,
    events: PathBuf,
}

impl Cutter {
    /// Before the server on `port`, with the certificate `leaf` of `dir`.
    pub fn start(dir: &Path, port: u16, plan: &str) -> Self {
        let events = dir.join("cuts");
        let _ = fs::remove_file(&events);
        let mut child = Command::new("python3")
            .args(["-c", PROXY, &port.to_string()])
            .args([dir.join("leaf.pem"), dir.join("leaf.key")])
            .arg(plan)
            .arg(&events)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self {
            child,
            port,
            events,
        }
    }

    /// How often it has cut.
    pub fn cuts(&self) -> usize {
        fs::read_to_string(&self.events).map_or(0, |text| text.lines().count())
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
