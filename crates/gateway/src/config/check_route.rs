//! The sense of `[[route]]`, `[oauth.NAME]` and `[[account]]`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use mailward_mail::{Address, Domain};
use mailward_policy::limits::{CONNECTIONS, MESSAGES_PER_MINUTE};
use mailward_policy::{AccountKind, RouteKind};
use mailward_queue::RouteName;
use toml::Spanned;

use super::check::Checker;
use super::file::{self, Text};
use super::{Account, Mechanism, OAuthClient, Retirement, Route, Timeouts};

/// Within what an attempt may last ([`mailward_queue::ATTEMPT_LENGTH_MAX`]).
const TIMEOUT_SECONDS_MAX: u64 = 1_800;
const DISPLAY_NAME_CHARACTERS_MAX: usize = 200;

impl Checker<'_> {
    pub(super) fn oauth(
        &mut self,
        clients: BTreeMap<String, file::OAuth>,
    ) -> BTreeMap<String, OAuthClient> {
        let mut checked = BTreeMap::new();
        for (name, client) in clients {
            let token_url = self.url(&client.token_url);
            let client_secret = self.secret_ref(&client.client_secret);
            if let (Some(token_url), Some(client_secret)) = (token_url, client_secret) {
                let client = OAuthClient {
                    token_url,
                    client_id: client.client_id,
                    client_secret,
                    scope: client.scope,
                    ca_file: client.ca_file.map(|path| self.path(&path)),
                };
                checked.insert(name, client);
            }
        }
        checked
    }

    pub(super) fn routes(
        &mut self,
        routes: Vec<file::Route>,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Vec<Route> {
        let mut seen = HashSet::new();
        let mut checked = Vec::new();
        let mut asked = Vec::new();
        for route in routes {
            self.once(&mut seen, &route.name, "a route");
            asked.extend(Self::asked(&route));
            checked.extend(self.route(route, oauth));
        }
        self.others(asked, &mut checked);
        checked
    }

    fn route(
        &mut self,
        mut route: file::Route,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Option<Route> {
        let fail_over = self.fail_over(&mut route);
        let server = self.server_name(&route.server);
        let kind = self.kind(&route.kind);
        let mechanism = match kind {
            Some(RouteKind::Relay) => self.no_mechanism(&route),
            _ => self.mechanism(&route, oauth),
        };
        let source_address = self.source_address(&route, kind);
        self.within_published(&route, kind);
        let retirements = route
            .retires
            .into_iter()
            .filter_map(|one| {
                Some(Retirement {
                    date: self.time(&one.date)?,
                    what: one.what,
                })
            })
            .collect();
        let connections_max = match &route.connections_max {
            None => usize::try_from(CONNECTIONS.figure).unwrap_or(1),
            Some(count) => *self.at_least_one(count),
        };
        let messages_per_minute = match &route.messages_per_minute {
            // Neither high sending nor the relay has a published rate.
            None if kind != Some(RouteKind::Submission) => None,
            None => u32::try_from(MESSAGES_PER_MINUTE.figure).ok(),
            Some(count) => Some(*self.at_least_one(count)),
        };
        let timeouts = self.timeouts(&route.timeouts);
        let has_sent_items = route.sent_items.is_some();
        let sent_items = route
            .sent_items
            .and_then(|one| self.sent_items(one, kind, mechanism.as_ref(), oauth));
        if has_sent_items && sent_items.is_none() {
            return None;
        }
        Some(Route {
            name: RouteName::new(route.name.get_ref()),
            kind: kind?,
            server: server?,
            port: route.port,
            ca_file: route.ca_file.map(|path| self.path(&path)),
            mechanism: mechanism?,
            source_address,
            connections_max,
            messages_per_minute,
            recipients_max: route.recipients_max,
            dcb1596: route.dcb1596,
            service: route.service,
            on_premise: route.on_premise,
            twin: route.twin,
            retirements,
            sent_items,
            fail_over,
            timeouts,
        })
    }

    fn timeouts(&mut self, timeouts: &file::Timeouts) -> Timeouts {
        let usual = Timeouts::default();
        let mut seconds = |given: &Option<Spanned<u64>>, usual: u64| match given {
            None => usual,
            Some(given) => {
                if *given.get_ref() > TIMEOUT_SECONDS_MAX {
                    self.fail(
                        given.span(),
                        "an attempt that lasts for so long is given up as a whole",
                        format!("Set {TIMEOUT_SECONDS_MAX} or less."),
                    );
                }
                *self.one_or_more(given, "no server answers at once")
            }
        };
        Timeouts {
            open_seconds: seconds(&timeouts.open_seconds, usual.open_seconds),
            reply_seconds: seconds(&timeouts.reply_seconds, usual.reply_seconds),
            final_dot_seconds: seconds(&timeouts.final_dot_seconds, usual.final_dot_seconds),
        }
    }

    /// A mailbox's published limits may be lowered and never raised, for the
    /// service keeps them too (GUIDE-80). Only a twin on this very machine can
    /// be asked for more: development and benchmarks.
    fn within_published(&mut self, route: &file::Route, kind: Option<RouteKind>) {
        if kind != Some(RouteKind::Submission) || (route.twin && is_this_machine(&route.server)) {
            return;
        }
        let connections = route.connections_max.as_ref();
        let connections = connections.map(|count| (count.span(), *count.get_ref() as u64));
        let messages = route.messages_per_minute.as_ref();
        let messages = messages.map(|count| (count.span(), u64::from(*count.get_ref())));
        for (asked, most, what) in [
            (connections, CONNECTIONS.figure, "connections at once"),
            (messages, MESSAGES_PER_MINUTE.figure, "messages a minute"),
        ] {
            if let Some((span, count)) = asked
                && count > most
            {
                self.fail(
                    span,
                    format!("the service lets a mailbox have {most} {what} (GUIDE-80)"),
                    format!("Set {most} or less, or remove it."),
                );
            }
        }
    }

    fn kind(&mut self, text: &Text) -> Option<RouteKind> {
        const OFFERED: [RouteKind; 3] = [
            RouteKind::Submission,
            RouteKind::HighSending,
            RouteKind::Relay,
        ];
        let found = OFFERED
            .into_iter()
            .find(|kind| kind.as_str() == text.get_ref());
        if found.is_none() {
            self.fail(
                text.span(),
                "this kind of route is not offered",
                "Write \"submission\", \"high_sending\" or \"relay\".",
            );
        }
        found
    }

    /// A relay asks for no sign-in (GUIDE-51), and is certified to nothing.
    fn no_mechanism(&mut self, route: &file::Route) -> Option<Mechanism> {
        let mut sound = true;
        for text in [&route.mechanism, &route.oauth].into_iter().flatten() {
            self.fail(
                text.span(),
                "a relay asks for no sign-in (GUIDE-51)",
                "Remove it, or set another kind of route.",
            );
            sound = false;
        }
        if route.dcb1596 {
            self.fail(
                route.name.span(),
                "a relay is not certified to DCB1596 (ENG-19)",
                "Remove dcb1596.",
            );
            sound = false;
        }
        sound.then_some(Mechanism::None)
    }

    fn source_address(&mut self, route: &file::Route, kind: Option<RouteKind>) -> Option<IpAddr> {
        let text = route.source_address.as_ref()?;
        if kind != Some(RouteKind::Relay) {
            self.fail(
                text.span(),
                "only a relay knows us by our address (GUIDE-57)",
                "Remove it.",
            );
            return None;
        }
        self.read(
            text,
            "Write an address of this machine, such as \"192.0.2.10\".",
        )
    }

    fn at_least_one<'n, N: Default + PartialEq>(&mut self, count: &'n Spanned<N>) -> &'n N {
        if *count.get_ref() == N::default() {
            self.fail(
                count.span(),
                "a limit of 0 would let nothing out",
                "Set 1 or more.",
            );
        }
        count.get_ref()
    }

    /// A name, so that the service may move (GUIDE-56). Addresses of this very
    /// machine do not move.
    pub(super) fn server_name(&mut self, text: &Text) -> Option<String> {
        let name = text.get_ref();
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Some(address.to_string()),
            Ok(_) => {
                self.fail(
                    text.span(),
                    "an address stands where a name must (GUIDE-56)",
                    "Write the server's name, such as \"smtp.office365.com\".",
                );
                None
            }
            Err(_) if name.is_ascii() && Domain::parse(name).is_ok() => Some(name.clone()),
            Err(_) => {
                self.fail(
                    text.span(),
                    "this is no host name",
                    "Write the server's name.",
                );
                None
            }
        }
    }

    fn mechanism(
        &mut self,
        route: &file::Route,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Option<Mechanism> {
        let Some(mechanism) = &route.mechanism else {
            self.fail(
                route.name.span(),
                "the route does not say how to sign in",
                "Add mechanism = \"xoauth2\", \"login\" or \"plain\".",
            );
            return None;
        };
        let named = mechanism.get_ref().as_str();
        if let (Some(name), "login" | "plain") = (&route.oauth, named) {
            self.fail(
                name.span(),
                "oauth is of no use to a route that signs in with passwords",
                "Remove it, or write mechanism = \"xoauth2\".",
            );
        }
        match (named, &route.oauth) {
            ("login", _) => Some(Mechanism::Login),
            ("plain", _) => Some(Mechanism::Plain),
            ("xoauth2", Some(name)) if oauth.contains_key(name.get_ref()) => {
                Some(Mechanism::XOAuth2 {
                    oauth: name.get_ref().clone(),
                })
            }
            ("xoauth2", Some(name)) if self.declared_oauth.contains(name.get_ref()) => None,
            ("xoauth2", Some(name)) => {
                self.fail(
                    name.span(),
                    "there is no such client registration",
                    format!(
                        "Add a table [oauth.{}], or correct the name.",
                        name.get_ref()
                    ),
                );
                None
            }
            ("xoauth2", None) => {
                self.fail(
                    mechanism.span(),
                    "xoauth2 needs a client registration",
                    "Add oauth = \"NAME\" and a table [oauth.NAME].",
                );
                None
            }
            _ => {
                self.fail(
                    mechanism.span(),
                    "there is no such mechanism",
                    "Write \"login\", \"plain\" or \"xoauth2\".",
                );
                None
            }
        }
    }

    pub(super) fn accounts(
        &mut self,
        accounts: Vec<file::Account>,
        routes: &[Route],
    ) -> Vec<Account> {
        let mut seen = HashSet::new();
        let mut checked = Vec::new();
        let mut secrets = HashMap::new();
        for account in accounts {
            self.once(&mut seen, &account.address, "an account");
            self.one_secret_one_account(&mut secrets, &account);
            self.no_inline(
                account.password.as_ref(),
                "Store it with `mailward secrets set NAME` and write secret = \"keystore:NAME\".",
            );
            checked.extend(self.account(account, routes));
        }
        checked
    }

    /// A password is not shared (GUIDE-20), and each application has an account
    /// of its own (GUIDE-70). Secrets of different names are compared when the
    /// gateway starts.
    fn one_secret_one_account(
        &mut self,
        secrets: &mut HashMap<String, String>,
        account: &file::Account,
    ) {
        let Some(secret) = &account.secret else {
            return;
        };
        let address = account.address.get_ref();
        let first = secrets
            .entry(secret.get_ref().clone())
            .or_insert_with(|| address.clone());
        if !first.eq_ignore_ascii_case(address) {
            let problem = format!(
                "{address} has the same secret as {first}, and a password is not shared (GUIDE-20, GUIDE-70)"
            );
            self.fail_unseen(
                secret.span(),
                problem,
                "Give each account a password of its own: `mailward accounts new-password`.",
            );
        }
    }

    fn account(&mut self, account: file::Account, routes: &[Route]) -> Option<Account> {
        let address = self.read::<Address>(
            &account.address,
            "Write the full address of the mailbox (GUIDE-9).",
        );
        let secret = account.secret.as_ref().map(|text| self.secret_ref(text));
        if let Some(name) = &account.display_name
            && (name.get_ref().chars().any(char::is_control)
                || name.get_ref().chars().count() > DISPLAY_NAME_CHARACTERS_MAX)
        {
            self.fail(
                name.span(),
                "this is no display name",
                "Write one line of text.",
            );
        }
        let repair_display_name = account
            .repair_display_name
            .as_ref()
            .is_some_and(|repair| *repair.get_ref());
        if let (true, None, Some(repair)) = (
            repair_display_name,
            &account.display_name,
            &account.repair_display_name,
        ) {
            self.fail(
                repair.span(),
                "there is no display name to repair others by (GUIDE-78)",
                "Add display_name = \"Lastname, Firstname (ORGANISATION NAME)\", or remove it.",
            );
        }
        let password_changed = account
            .password_changed
            .as_ref()
            .map(|text| self.time(text));
        let route = self.known_route(&account.route, routes)?;
        let reading = route.sent_items.as_ref().map(|one| &one.mechanism);
        let needs_secret = [Some(&route.mechanism), reading]
            .into_iter()
            .flatten()
            .any(|one| matches!(one, Mechanism::Login | Mechanism::Plain));
        if needs_secret && secret.is_none() && account.password.is_none() {
            self.fail(
                account.address.span(),
                "the account needs a secret to sign in on its route",
                "Add secret = \"keystore:NAME\".",
            );
        }
        Some(Account {
            address: address?,
            kind: account.kind.unwrap_or(AccountKind::Application),
            display_name: account.display_name.map(Spanned::into_inner),
            repair_display_name,
            route: route.name.clone(),
            password_changed: match password_changed {
                None => None,
                Some(changed) => Some(changed?),
            },
            secret: match secret {
                None => None,
                Some(secret) => Some(secret?),
            },
        })
    }

    pub(super) fn known_route<'r>(
        &mut self,
        text: &Text,
        routes: &'r [Route],
    ) -> Option<&'r Route> {
        let found = routes
            .iter()
            .find(|route| route.name.as_str() == text.get_ref());
        if found.is_none() && !self.declared_routes.contains(text.get_ref()) {
            self.fail(
                text.span(),
                "there is no such route",
                "Name a [[route]] of this file.",
            );
        }
        found
    }
}

fn is_this_machine(server: &Text) -> bool {
    let name = server.get_ref().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
