//! Lines over a socket file in a folder: how a command on the same machine
//! speaks with a running program. One line asks, one line answers.
//!
//! Whoever may not read the folder's owner-only files cannot connect: the
//! socket file has mode 0600 before anything listens on it.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::time::Clock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::task::JoinSet;

use crate::clock::within;
use crate::tasks::Shutdown;

/// The longest question, in octets: a whole interface register to import.
pub const QUESTION_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// The longest answer a caller takes, in octets: a message with as many
/// recipients and events as the ledger shows at once comes to a few MiB.
pub const ANSWER_OCTETS_MAX: usize = 32 * 1024 * 1024;

/// Callers at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 16;

/// Connections the kernel holds ready for us.
const BACKLOG: u32 = 16;

/// How long a connection may be silent before it is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How long a caller waits for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// How long to hold off when the machine is short of file handles.
const PAUSE: Duration = Duration::from_millis(100);

/// What fits into `sockaddr_un` on Linux, with its closing NUL.
const SOCKET_PATH_OCTETS_MAX: usize = 108;

/// Why there is no conversation.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("another process answers on {}; stop it or choose another folder", .path.display())]
    InUse { path: PathBuf },
    #[error("{} is no socket; move it away", .path.display())]
    NoSocket { path: PathBuf },
    /// There is no socket file, or nobody listens on it any more.
    #[error("nobody answers on {}", .path.display())]
    NobodyThere { path: PathBuf },
    #[error("no answer on {} within {} seconds", .path.display(), ANSWER_TIME.as_secs())]
    TooSlow { path: PathBuf },
    #[error("the question is longer than {QUESTION_OCTETS_MAX} octets")]
    QuestionTooLong,
    #[error("the answer on {} broke off or is longer than {ANSWER_OCTETS_MAX} octets", .path.display())]
    Incomplete { path: PathBuf },
    #[error("cannot use {}: {why}", .path.display())]
    Io { path: PathBuf, why: io::Error },
}

/// A listening socket file. Dropping it removes the file.
#[derive(Debug)]
pub struct LocalListener {
    socket: UnixListener,
    path: PathBuf,
}

impl LocalListener {
    /// Listens on `name` in `dir`. A socket file that nobody answers on is
    /// what a killed process left, and is replaced. Needs a runtime.
    pub fn bind(dir: &Path, name: &str) -> Result<Self, LocalError> {
        let path = dir.join(name);
        let failed = |why| LocalError::Io {
            path: path.clone(),
            why,
        };
        let place = Place::new(dir, name).map_err(failed)?;
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(LocalError::NoSocket { path });
            }
            Ok(_) => {
                if std::os::unix::net::UnixStream::connect(&place.address).is_ok() {
                    return Err(LocalError::InUse { path });
                }
                std::fs::remove_file(&path).map_err(failed)?;
            }
        }
        let socket = listen(&place.address, &path).map_err(failed)?;
        Ok(Self { socket, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers until shutdown begins, then lets the questions under way have
    /// their answers.
    pub async fn serve<A, F>(self, clock: Arc<dyn Clock>, shutdown: Shutdown, answer: A)
    where
        A: Fn(String) -> F + Clone + Send + 'static,
        F: Future<Output = String> + Send + 'static,
    {
        let mut callers = JoinSet::new();
        loop {
            let has_room = callers.len() < CONNECTIONS_MAX;
            tokio::select! {
                () = shutdown.begun() => break,
                Some(ended) = callers.join_next() => log_panic(ended),
                accepted = self.socket.accept(), if has_room => match accepted {
                    Ok((stream, _)) => {
                        let (clock, shutdown) = (Arc::clone(&clock), shutdown.clone());
                        callers.spawn(converse(stream, clock, shutdown, answer.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(path = %self.path.display(), %error, "cannot accept");
                        clock.wait(PAUSE).await;
                    }
                }
            }
        }
        while let Some(ended) = callers.join_next().await {
            log_panic(ended);
        }
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        // Left behind it does no harm: the next one replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Asks whoever listens on `name` in `dir`. Neither line holds a line end.
pub async fn call(
    dir: &Path,
    name: &str,
    question: &str,
    clock: &dyn Clock,
) -> Result<String, LocalError> {
    if question.len() > QUESTION_OCTETS_MAX {
        return Err(LocalError::QuestionTooLong);
    }
    let path = dir.join(name);
    let place = Place::new(dir, name).map_err(|error| of_connect(&path, error))?;
    let asked = async {
        let mut stream = UnixStream::connect(&place.address)
            .await
            .map_err(|error| of_connect(&path, error))?;
        let failed = |why| LocalError::Io {
            path: path.clone(),
            why,
        };
        let line = format!("{question}\n");
        stream.write_all(line.as_bytes()).await.map_err(failed)?;
        let mut reader = BufReader::new(stream);
        match read_line(&mut reader, ANSWER_OCTETS_MAX)
            .await
            .map_err(failed)?
        {
            Line::Whole(answer) => Ok(answer),
            Line::End | Line::TooLong => Err(LocalError::Incomplete { path: path.clone() }),
        }
    };
    match within(clock, ANSWER_TIME, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(LocalError::TooSlow { path }),
    }
}

fn of_connect(path: &Path, why: io::Error) -> LocalError {
    let path = path.to_owned();
    match why.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            LocalError::NobodyThere { path }
        }
        _ => LocalError::Io { path, why },
    }
}

/// Between binding and listening nobody can connect, so the mode is right
/// from the first connection on.
fn listen(address: &Path, path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(address)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)
}

async fn converse<A, F>(stream: UnixStream, clock: Arc<dyn Clock>, shutdown: Shutdown, answer: A)
where
    A: Fn(String) -> F,
    F: Future<Output = String>,
{
    let mut stream = BufReader::new(stream);
    loop {
        let question = tokio::select! {
            () = shutdown.begun() => return,
            question = within(&*clock, IDLE, read_line(&mut stream, QUESTION_OCTETS_MAX)) => question,
        };
        // A line that is too long cannot be answered in step: what follows of
        // it would be read as the next one.
        let Ok(Ok(Line::Whole(question))) = question else {
            return;
        };
        let mut line = answer(question).await;
        line.push('\n');
        let written = within(&*clock, IDLE, stream.write_all(line.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

enum Line {
    Whole(String),
    TooLong,
    /// The other side closed, in the middle of a line or before one.
    End,
}

async fn read_line(stream: &mut BufReader<UnixStream>, octets_max: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let most = octets_max as u64 + 1;
    stream.take(most).read_until(b'\n', &mut line).await?;
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Ok(if line.len() > octets_max {
            Line::TooLong
        } else {
            Line::End
        });
    }
    String::from_utf8(line)
        .map(Line::Whole)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is not UTF-8"))
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "answering a command broke off");
    }
}

/// What to bind or connect to. A path too long for a socket address is reached
/// by way of the open folder.
struct Place {
    address: PathBuf,
    _folder: Option<File>,
}

impl Place {
    fn new(dir: &Path, name: &str) -> io::Result<Self> {
        let path = dir.join(name);
        if path.as_os_str().len() < SOCKET_PATH_OCTETS_MAX {
            return Ok(Self {
                address: path,
                _folder: None,
            });
        }
        let folder = File::open(dir)?;
        let address = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        Ok(Self {
            address,
            _folder: Some(folder),
        })
    }
}
