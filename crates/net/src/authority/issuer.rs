//! Makes and checks the certificates of the development authority.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::{
    AuthorityError, CA_FILE, CA_KEY_FILE, CA_VALID_TO_YEAR, RENEW_BEFORE, SERVER_FILE,
    SERVER_KEY_FILE, VALID_FROM_YEAR,
};
use crate::files::{NewFile, PRIVATE, PUBLIC, replace, replace_unsynced};
use crate::tls::{ServerIdentity, provider};

/// The names of a server certificate, in the order given, each valid.
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new(names: &[impl AsRef<str>]) -> Result<Self, AuthorityError> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        if names.is_empty() {
            return Err(AuthorityError::NoNames);
        }
        match names
            .iter()
            .find(|name| ServerName::try_from(host_of(name)).is_err())
        {
            Some(bad) => Err(AuthorityError::BadName(bad.clone())),
            None => Ok(Self(names)),
        }
    }

    /// The line above the certificate by which a change of the list is seen.
    /// PEM readers skip what stands before BEGIN (RFC 7468 section 5.2).
    pub(super) fn heading(&self) -> String {
        format!("Covers: {}\n", self.0.join(" "))
    }

    fn alternative_names(&self) -> Result<Vec<SanType>, AuthorityError> {
        self.0
            .iter()
            .map(|name| match name.parse::<IpAddr>() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => name
                    .as_str()
                    .try_into()
                    .map(SanType::DnsName)
                    .map_err(|_| AuthorityError::BadName(name.clone())),
            })
            .collect()
    }
}

/// The name, or for `*.twin.test` one of the hosts that it covers (RFC 6125
/// section 6.4.3).
fn host_of(name: &str) -> String {
    match name.strip_prefix("*.") {
        Some(domain) => format!("any.{domain}"),
        None => name.to_owned(),
    }
}

/// The authority itself: its certificate and the key it signs with.
pub(super) struct Issuer {
    certificate: CertificateDer<'static>,
    signer: rcgen::Issuer<'static, KeyPair>,
}

impl Issuer {
    pub(super) fn create(dir: &Path) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate().map_err(|error| AuthorityError::Issue(error.to_string()))?;
        let params = ca_params(&key);
        let certificate = params
            .self_signed(&key)
            .map_err(|error| AuthorityError::Issue(error.to_string()))?;
        // The certificate last: where it stands, its key stands too.
        let files = [
            (CA_KEY_FILE, PRIVATE, key.serialize_pem()),
            (CA_FILE, PUBLIC, certificate.pem()),
        ];
        write(dir, replace, &files)?;
        tracing::info!(file = %dir.join(CA_FILE).display(), "made a development certificate authority");
        Ok(Self {
            certificate: certificate.der().clone(),
            signer: rcgen::Issuer::new(params, key),
        })
    }

    pub(super) fn load(dir: &Path) -> Result<Self, AuthorityError> {
        let damaged = |name: &str, why: String| AuthorityError::Damaged {
            path: dir.join(name),
            why,
        };
        let certificate = CertificateDer::from_pem_file(dir.join(CA_FILE))
            .map_err(|error| damaged(CA_FILE, error.to_string()))?;
        let key = std::fs::read_to_string(dir.join(CA_KEY_FILE))
            .map_err(|error| damaged(CA_KEY_FILE, error.to_string()))?;
        let key = KeyPair::from_pem(&key).map_err(|e| damaged(CA_KEY_FILE, e.to_string()))?;
        // Name and key identifier follow from the key, so this is the same
        // issuer that signed the certificate; if not, nothing it issues will
        // verify, and that is checked before use.
        Ok(Self {
            signer: rcgen::Issuer::new(ca_params(&key), key),
            certificate,
        })
    }

    pub(super) fn issue_to(
        &self,
        dir: &Path,
        names: &Names,
        (from, to): (i32, i32),
    ) -> Result<ServerIdentity, AuthorityError> {
        let issue = |error: rcgen::Error| AuthorityError::Issue(error.to_string());
        let key = KeyPair::generate().map_err(issue)?;
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        params.distinguished_name = distinguished_name("Mailward development server");
        params.subject_alt_names = names.alternative_names()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.signer).map_err(issue)?;

        // Not synced: whatever a crash leaves of them is found wanting at the
        // next start and issued again.
        let pem = format!("{}{}", names.heading(), certificate.pem());
        let files = [
            (SERVER_KEY_FILE, PRIVATE, key.serialize_pem()),
            (SERVER_FILE, PUBLIC, pem),
        ];
        write(dir, replace_unsynced, &files)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| AuthorityError::Issue(error.to_owned()))?;
        ServerIdentity::from_der(vec![certificate.der().clone()], key)
            .map_err(|error| AuthorityError::Issue(error.to_string()))
    }

    /// Whether a client that trusts this authority would accept `identity`
    /// for every name, now and until renewal.
    pub(super) fn vouches_for(
        &self,
        identity: &ServerIdentity,
        names: &Names,
        now: Timestamp,
    ) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.clone())
            .map_err(|error| error.to_string())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| error.to_string())?;
        let (leaf, above) = identity.chain().split_first().ok_or("it is empty")?;
        for moment in [now, now.plus(RENEW_BEFORE)] {
            let seconds = u64::try_from(moment.as_millis() / 1000).unwrap_or(0);
            let moment = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            for name in &names.0 {
                let name = ServerName::try_from(host_of(name)).map_err(|e| e.to_string())?;
                verifier
                    .verify_server_cert(leaf, above, &name, &[], moment)
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

fn ca_params(key: &KeyPair) -> CertificateParams {
    // Part of the key's digest tells one machine's authority from another's
    // in a trust store that holds several.
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.public_key_raw());
    let suffix: String = digest.as_ref()[..4]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(VALID_FROM_YEAR, 1, 1);
    params.not_after = date_time_ymd(CA_VALID_TO_YEAR, 1, 1);
    params.distinguished_name = distinguished_name(&format!("Mailward development CA {suffix}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Mailward");
    name.push(DnType::CommonName, common_name);
    name
}

fn write(
    dir: &Path,
    how: fn(&Path, &[NewFile<'_>]) -> io::Result<()>,
    files: &[(&str, u32, String)],
) -> Result<(), AuthorityError> {
    let files: Vec<NewFile<'_>> = files
        .iter()
        .map(|(name, mode, content)| (*name, *mode, content.as_str()))
        .collect();
    how(dir, &files).map_err(|why| AuthorityError::Io {
        path: dir.to_owned(),
        why,
    })
}
