//! A small HTTP client for token endpoints and callbacks: one request, one
//! bounded answer, no redirects, no proxies, no cookies.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use mailward_mail::time::Clock;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, Url, redirect};
use rustls::ClientConfig;

use crate::clock::within;
use crate::connect::{ConnectError, tls_cause};
use crate::dns::{ResolveError, Resolver};

/// Connections kept open to one host between requests.
const IDLE_PER_HOST_MAX: usize = 4;

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// From [`client_config`](crate::tls::client_config).
    pub tls: Arc<ClientConfig>,
    pub resolver: Arc<dyn Resolver>,
    pub clock: Arc<dyn Clock>,
    /// From the first look-up to the last octet of the answer.
    pub timeout: Duration,
    /// A longer answer is an error.
    pub response_octets_max: usize,
}

impl Options {
    /// 30 seconds and 1 MiB, which suit tokens and callbacks.
    pub fn new(tls: Arc<ClientConfig>, resolver: Arc<dyn Resolver>, clock: Arc<dyn Clock>) -> Self {
        Self {
            tls,
            resolver,
            clock,
            timeout: Duration::from_secs(30),
            response_octets_max: 1024 * 1024,
        }
    }
}

/// A client; clones share its connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    response_octets_max: usize,
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer. None of these texts holds a query, a header or a
/// body, which may be secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the request cannot be sent: {0}")]
    BadRequest(String),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{host} did not answer within {} s", timeout.as_secs())]
    TimedOut { host: String, timeout: Duration },
    #[error("{host} answered with more than {octets_max} octets")]
    TooLarge { host: String, octets_max: usize },
    #[error("the exchange with {host} broke off: {why}")]
    Broken { host: String, why: String },
}

impl HttpClient {
    pub fn new(options: Options) -> Result<Self, HttpError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&options.tls))
            .dns_resolver(Arc::new(Names(options.resolver)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Mailward/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build()
            .map_err(|error| HttpError::BadRequest(root_cause(&error)))?;
        Ok(Self {
            client,
            clock: options.clock,
            timeout: options.timeout,
            response_octets_max: options.response_octets_max,
        })
    }

    pub async fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<HttpResponse, HttpError> {
        let target = Target::parse(url)?;
        let request = with_headers(self.client.get(target.url.clone()), headers);
        self.send(target, request).await
    }

    /// Posts `application/x-www-form-urlencoded` fields.
    pub async fn post_form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<HttpResponse, HttpError> {
        let target = Target::parse(url)?;
        let request = self.client.post(target.url.clone()).form(fields);
        self.send(target, request).await
    }

    /// Posts these very octets; the headers name their type.
    pub async fn post_bytes(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<HttpResponse, HttpError> {
        let target = Target::parse(url)?;
        let request = with_headers(self.client.post(target.url.clone()), headers).body(body);
        self.send(target, request).await
    }

    async fn send(
        &self,
        target: Target,
        request: RequestBuilder,
    ) -> Result<HttpResponse, HttpError> {
        let exchange = self.exchange(&target, request);
        match within(&*self.clock, self.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(HttpError::TimedOut {
                host: target.host,
                timeout: self.timeout,
            }),
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        request: RequestBuilder,
    ) -> Result<HttpResponse, HttpError> {
        let octets_max = self.response_octets_max;
        let mut answer = request.send().await.map_err(|error| target.sort(error))?;
        let mut body = BytesMut::new();
        while let Some(part) = answer.chunk().await.map_err(|error| target.sort(error))? {
            if body.len().saturating_add(part.len()) > octets_max {
                return Err(HttpError::TooLarge {
                    host: target.host.clone(),
                    octets_max,
                });
            }
            body.extend_from_slice(&part);
        }
        Ok(HttpResponse {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body: body.freeze(),
        })
    }
}

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

/// Where a request goes, for errors to say.
struct Target {
    url: Url,
    host: String,
    port: u16,
}

impl Target {
    fn parse(url: &str) -> Result<Self, HttpError> {
        let parsed =
            Url::parse(url).map_err(|error| HttpError::BadRequest(format!("bad URL: {error}")))?;
        match (
            parsed.scheme(),
            parsed.host_str(),
            parsed.port_or_known_default(),
        ) {
            ("http" | "https", Some(host), Some(port)) => Ok(Self {
                host: host.to_owned(),
                port,
                url: parsed,
            }),
            (scheme, _, _) => Err(HttpError::BadRequest(format!(
                "bad URL: {scheme} is not http or https, or the host is missing"
            ))),
        }
    }

    /// Finds the cause that a person can act on below the library's layers.
    fn sort(&self, error: reqwest::Error) -> HttpError {
        if error.is_builder() {
            return HttpError::BadRequest(root_cause(&error));
        }
        let connecting = error.is_connect();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(this) = cause {
            if let Some(lookup) = this.downcast_ref::<ResolveError>() {
                return ConnectError::of_lookup(&self.host, lookup.clone()).into();
            }
            if let Some(tls) = this.downcast_ref::<rustls::Error>() {
                return ConnectError::of_tls(&self.host, tls).into();
            }
            if let Some(io) = this.downcast_ref::<io::Error>() {
                if let Some(tls) = tls_cause(io) {
                    return ConnectError::of_tls(&self.host, tls).into();
                }
                if connecting {
                    let why = io::Error::new(io.kind(), io.to_string());
                    return ConnectError::of_tcp(&self.host, self.port, why).into();
                }
            }
            cause = this.source();
        }
        HttpError::Broken {
            host: self.host.clone(),
            why: root_cause(&error),
        }
    }
}

/// The innermost sentence; the outer ones only repeat that something failed,
/// and the outermost repeats the URL with its query.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = match error.source() {
        Some(source) => source,
        None => return "the request is malformed".to_owned(),
    };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Our resolver behind the library's trait. Port 0 stands for the URL's.
struct Names(Arc<dyn Resolver>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await?;
            let addresses: Addrs =
                Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
