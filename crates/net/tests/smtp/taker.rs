//! Somebody who takes mail, and writes down what happened.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mailward_mail::{Envelope, Recipient, Reply};
use mailward_net::smtp::{
    Authentication, Connection, ConnectionLimits, Peer, Security, Server, Service,
};
use mailward_net::{SystemClock, Tasks, TlsFacts};
use mailward_testkit::{SeededDice, SimulatedClock, TestTls, ports};
use mailward_wire::smtp::server::{Abort, Hello, PlainDialect, Settings};
use mailward_wire::smtp::{Credentials, MailFrom};
use tokio::sync::{Semaphore, watch};

/// The service: what it was told, in order, and the bodies it took.
#[derive(Debug)]
pub(crate) struct Taker {
    story: watch::Sender<Vec<String>>,
    bodies: Mutex<Vec<Vec<u8>>>,
    /// Bodies are promised only while this has a permit.
    pub(crate) gate: Semaphore,
}

impl Taker {
    pub(crate) fn story(&self) -> Vec<String> {
        self.story.borrow().clone()
    }

    /// Completes once the story holds `line`.
    pub(crate) async fn until(&self, line: &str) {
        let mut story = self.story.subscribe();
        let told = story.wait_for(|lines| lines.iter().any(|told| told == line));
        let _ = told.await.expect("the taker keeps the sender");
    }

    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().expect("no test panicked").clone()
    }

    pub(crate) fn tell(&self, line: impl Into<String>) {
        self.story.send_modify(|story| story.push(line.into()));
    }
}

#[derive(Debug)]
struct Intake(Arc<Taker>);

impl Service for Intake {
    type Connection = Taking;

    fn connect(&self, peer: Peer) -> Result<Taking, Reply> {
        self.0.tell(format!("connect {}", peer.session));
        Ok(Taking {
            taker: Arc::clone(&self.0),
            body: Vec::new(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Taking {
    taker: Arc<Taker>,
    body: Vec<u8>,
}

impl Connection for Taking {
    fn tls_established(&mut self, facts: &TlsFacts) {
        self.taker.tell(facts.version);
    }

    fn hello(&mut self, hello: &Hello) {
        self.taker.tell(format!("hello {}", hello.name));
    }

    async fn authenticate(&mut self, credentials: Credentials) -> Authentication {
        self.taker.tell(format!("auth {}", credentials.username()));
        match &credentials {
            Credentials::Password { password, .. } if password.matches(b"right") => {
                Authentication::Accepted
            }
            _ => Authentication::Refused(Reply::status(535, 7, 8, "No")),
        }
    }

    async fn mail_from(&mut self, mail: &MailFrom) -> Result<Reply, Reply> {
        self.taker.tell(format!("from {}", mail.reverse_path));
        Ok(Reply::status(250, 1, 0, "Sender OK"))
    }

    async fn rcpt_to(&mut self, recipient: &Recipient) -> Result<Reply, Reply> {
        let address = recipient.forward_path.address();
        if address.local_part() == "nobody" {
            return Err(Reply::status(550, 1, 1, "Nobody here"));
        }
        Ok(Reply::status(250, 1, 5, "Recipient OK"))
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        self.taker
            .tell(format!("start {}", envelope.recipients.len()));
        self.body.clear();
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        self.body.extend_from_slice(octets);
        if self.body.starts_with(b"Subject: full") {
            return Err(Reply::status(452, 3, 1, "No room"));
        }
        Ok(())
    }

    async fn body_end(&mut self) -> Reply {
        self.taker.tell("promising");
        let permit = self.taker.gate.acquire().await;
        permit.expect("the gate is never closed").forget();
        self.taker.gate.add_permits(1);
        let body = std::mem::take(&mut self.body);
        self.taker.tell(format!("taken {}", body.len()));
        self.taker
            .bodies
            .lock()
            .expect("no test panicked")
            .push(body);
        Reply::status(250, 6, 0, "Taken")
    }

    fn body_abort(&mut self, abort: Abort) {
        self.taker.tell(format!("aborted {abort:?}"));
    }
}

/// How a test's server differs from the usual.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) implicit_tls: bool,
    pub(crate) limits: ConnectionLimits,
    pub(crate) settings: Settings,
    /// Time stands still, if given.
    pub(crate) clock: Option<SimulatedClock>,
    /// Promises need a permit first.
    pub(crate) is_gated: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            implicit_tls: false,
            limits: ConnectionLimits::default(),
            settings: Settings::submission(),
            clock: None,
            is_gated: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) taker: Arc<Taker>,
    pub(crate) tls: TestTls,
    pub(crate) tasks: Tasks,
}

pub(crate) fn serve(setup: Setup) -> Running {
    let tls = TestTls::new();
    let (listener, address) = ports::listener();
    let taker = Arc::new(Taker {
        story: watch::Sender::default(),
        bodies: Mutex::default(),
        gate: Semaphore::new(usize::from(!setup.is_gated)),
    });
    let tasks = Tasks::new();
    let server = Server {
        service: Arc::new(Intake(Arc::clone(&taker))),
        settings: Arc::new(setup.settings),
        dialect: Arc::new(PlainDialect::new("mail.example")),
        security: if setup.implicit_tls {
            Security::ImplicitTls(tls.server())
        } else {
            Security::StartTls(tls.server())
        },
        limits: setup.limits,
        clock: match setup.clock {
            Some(clock) => clock.shared(),
            None => Arc::new(SystemClock),
        },
        dice: Arc::new(SeededDice::new(1_234_567)),
        tasks: tasks.clone(),
    };
    tasks.spawn("server", server.serve(listener));
    Running {
        address,
        taker,
        tls,
        tasks,
    }
}
