//! Messages put together by whom they answer (RFC 5256 section 3, REFERENCES).
//!
//! ```text
//!   add: links by References ─▶ prune: no empty places ─▶ gather: roots of
//!   one subject ─▶ order by date ─▶ pieces of the response
//! ```
//!
//! Nothing here recurses: a chain may be as long as a folder.

use std::collections::HashMap;
use std::sync::Arc;

use crate::imap::facts::Facts;

/// How far up a chain is looked at for a loop. A chain that is longer falls
/// into several.
const CHAIN_MAX: usize = 1000;

pub(crate) struct Threadable {
    /// Sequence number or UID, as it is told.
    pub(crate) number: u32,
    /// Milliseconds since 1970.
    pub(crate) sent: i64,
    pub(crate) facts: Arc<Facts>,
}

/// What the response is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Open,
    Close,
    Space,
    Number(u32),
}

#[derive(Default)]
pub(crate) struct Threads {
    nodes: Vec<Node>,
    by_id: HashMap<Vec<u8>, usize>,
}

/// A message's place, or one that only references speak of.
#[derive(Default)]
struct Node {
    message: Option<Threadable>,
    parent: Option<usize>,
    children: Vec<usize>,
}

impl Threads {
    /// Step 1: links the message and what it refers to. In the order of the
    /// folder.
    pub(crate) fn add(&mut self, message: Threadable) {
        let facts = Arc::clone(&message.facts);
        let own = match &facts.message_id {
            Some(id) => self.place(id),
            None => self.new_node(),
        };
        // An id that is there twice names the first message.
        let own = match self.nodes[own].message {
            Some(_) => self.new_node(),
            None => own,
        };
        self.nodes[own].message = Some(message);
        let mut previous = None;
        for reference in &facts.references {
            let place = self.place(reference);
            if let Some(parent) = previous
                && self.nodes[place].parent.is_none()
                && !self.is_below(parent, place)
            {
                self.nodes[place].parent = Some(parent);
            }
            previous = Some(place);
        }
        // The message itself knows best.
        self.nodes[own].parent = None;
        if let Some(parent) = previous
            && !self.is_below(parent, own)
        {
            self.nodes[own].parent = Some(parent);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Piece> {
        let mut roots = self.prune();
        for node in 0..self.nodes.len() {
            self.sort_children(node);
        }
        self.sort(&mut roots);
        let mut roots = self.gather(roots);
        for node in 0..self.nodes.len() {
            self.sort_children(node);
        }
        self.sort(&mut roots);
        self.pieces(&roots)
    }

    fn place(&mut self, id: &[u8]) -> usize {
        if let Some(place) = self.by_id.get(id) {
            return *place;
        }
        let place = self.new_node();
        self.by_id.insert(id.to_vec(), place);
        place
    }

    fn new_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// Whether `node` is `above` or somewhere below it, or too deep to say.
    fn is_below(&self, node: usize, above: usize) -> bool {
        let mut place = Some(node);
        for _ in 0..CHAIN_MAX {
            match place {
                None => return false,
                Some(place) if place == above => return true,
                Some(here) => place = self.nodes[here].parent,
            }
        }
        true
    }

    /// Steps 2 and 3: the roots, with the places that no message fills taken
    /// out; such a place stays at the top when several depend on it.
    fn prune(&mut self) -> Vec<usize> {
        for node in 0..self.nodes.len() {
            if let Some(parent) = self.nodes[node].parent {
                self.nodes[parent].children.push(node);
            }
        }
        let mut roots = Vec::new();
        // From the leaves up: what is below a place is pruned before it.
        for node in self.leaves_first() {
            let parent = self.nodes[node].parent;
            if self.nodes[node].message.is_none() {
                let children = self.nodes[node].children.len();
                let at_top = parent.is_none();
                if children == 0 || !at_top || children == 1 {
                    self.replace_by_children(node, parent, &mut roots);
                    continue;
                }
            }
            if parent.is_none() {
                roots.push(node);
            }
        }
        roots
    }

    fn replace_by_children(&mut self, node: usize, parent: Option<usize>, roots: &mut Vec<usize>) {
        let children = std::mem::take(&mut self.nodes[node].children);
        for child in &children {
            self.nodes[*child].parent = parent;
        }
        match parent {
            Some(parent) => {
                let siblings = &mut self.nodes[parent].children;
                siblings.retain(|sibling| *sibling != node);
                siblings.extend(children);
            }
            None => roots.extend(children),
        }
    }

    fn leaves_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].parent.is_none())
            .collect();
        let mut next = 0;
        while let Some(node) = order.get(next) {
            order.extend_from_slice(&self.nodes[*node].children);
            next += 1;
        }
        order.reverse();
        order
    }

    /// Step 4 and 6: by sent date, then by number; a place without a message
    /// goes by its first child.
    fn key(&self, node: usize) -> (i64, u32) {
        let node = &self.nodes[node];
        let first = || node.children.first().map(|child| &self.nodes[*child]);
        let message = node.message.as_ref().or_else(|| first()?.message.as_ref());
        message.map_or((i64::MAX, u32::MAX), |message| {
            (message.sent, message.number)
        })
    }

    fn sort(&self, nodes: &mut [usize]) {
        nodes.sort_by_cached_key(|node| self.key(*node));
    }

    fn sort_children(&mut self, node: usize) {
        let mut children = std::mem::take(&mut self.nodes[node].children);
        self.sort(&mut children);
        self.nodes[node].children = children;
    }

    /// Step 5: roots of one subject become one.
    fn gather(&mut self, roots: Vec<usize>) -> Vec<usize> {
        let mut by_subject: HashMap<String, usize> = HashMap::new();
        for root in &roots {
            let Some((subject, is_reply)) = self.subject(*root) else {
                continue;
            };
            let better = by_subject.get(&subject).is_none_or(|other| {
                let dummy = |node: usize| self.nodes[node].message.is_none();
                let other_replies = self.subject(*other).is_some_and(|(_, reply)| reply);
                (dummy(*root) && !dummy(*other))
                    || (other_replies && !is_reply && dummy(*root) == dummy(*other))
            });
            if better {
                by_subject.insert(subject, *root);
            }
        }
        let mut gathered = Vec::new();
        for root in roots {
            let found = self.subject(root).and_then(|(subject, is_reply)| {
                let first = by_subject.get(&subject).copied()?;
                (first != root).then_some((subject, is_reply, first))
            });
            let Some((subject, is_reply, first)) = found else {
                gathered.push(root);
                continue;
            };
            match (&self.nodes[first].message, &self.nodes[root].message) {
                (None, None) => {
                    let children = std::mem::take(&mut self.nodes[root].children);
                    self.nodes[first].children.extend(children);
                }
                (None, Some(_)) => self.nodes[first].children.push(root),
                (Some(_), _) => {
                    let first_replies = self.subject(first).is_some_and(|(_, reply)| reply);
                    if is_reply && !first_replies {
                        self.nodes[first].children.push(root);
                        continue;
                    }
                    // Neither answers the other: both under a place of their
                    // own, which takes the first one's place in the list.
                    let both = self.new_node();
                    self.nodes[both].children = vec![first, root];
                    by_subject.insert(subject, both);
                    match gathered.iter_mut().find(|node| **node == first) {
                        Some(place) => *place = both,
                        None => gathered.push(both),
                    }
                }
            }
        }
        // Those that others took under them after they had been listed.
        let below: std::collections::HashSet<usize> = gathered
            .iter()
            .flat_map(|node| self.nodes[*node].children.iter().copied())
            .collect();
        gathered.retain(|node| !below.contains(node));
        gathered
    }

    /// The base subject that a root goes by, unless it is empty.
    fn subject(&self, root: usize) -> Option<(String, bool)> {
        let node = &self.nodes[root];
        let message = match &node.message {
            Some(message) => message,
            None => self.nodes[*node.children.first()?].message.as_ref()?,
        };
        let subject = &message.facts.subject;
        (!subject.base.is_empty()).then(|| (subject.base.clone(), subject.is_reply))
    }

    /// `(1 2 (3)(4 5))((6)(7))`
    fn pieces(&self, roots: &[usize]) -> Vec<Piece> {
        enum Todo {
            Thread(usize),
            Node(usize),
            Say(Piece),
        }
        let mut pieces = Vec::new();
        let mut todo: Vec<Todo> = roots.iter().rev().map(|root| Todo::Thread(*root)).collect();
        while let Some(next) = todo.pop() {
            match next {
                Todo::Say(piece) => pieces.push(piece),
                Todo::Thread(node) => {
                    pieces.push(Piece::Open);
                    todo.push(Todo::Say(Piece::Close));
                    todo.push(Todo::Node(node));
                }
                Todo::Node(node) => {
                    let node = &self.nodes[node];
                    if let Some(message) = &node.message {
                        pieces.push(Piece::Number(message.number));
                        if !node.children.is_empty() {
                            pieces.push(Piece::Space);
                        }
                    }
                    match node.children.as_slice() {
                        [only] => todo.push(Todo::Node(*only)),
                        several => todo.extend(several.iter().rev().map(|n| Todo::Thread(*n))),
                    }
                }
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages as `id<ref<ref subject`, in the order of their dates.
    #[track_caller]
    fn check(messages: &[&str], expected: &str) {
        let mut threads = Threads::default();
        for (place, message) in messages.iter().enumerate() {
            let (ids, subject) = message.split_once(' ').unwrap_or((message, ""));
            let mut ids = ids.split('<');
            let own = ids.next().unwrap_or_default();
            let mut references: Vec<&str> = ids.collect();
            references.reverse();
            let header = format!(
                "Message-ID: <{own}@x>\r\nReferences: {}\r\nSubject: {subject}\r\n\r\n",
                references
                    .iter()
                    .map(|id| format!("<{id}@x> "))
                    .collect::<String>()
            );
            threads.add(Threadable {
                number: u32::try_from(place + 1).expect("few"),
                sent: i64::try_from(place).expect("few"),
                facts: Arc::new(Facts::read(header.as_bytes())),
            });
        }
        let shown: String = threads
            .finish()
            .into_iter()
            .map(|piece| match piece {
                Piece::Open => "(".to_owned(),
                Piece::Close => ")".to_owned(),
                Piece::Space => " ".to_owned(),
                Piece::Number(number) => number.to_string(),
            })
            .collect();
        assert_eq!(shown, expected, "{messages:?}");
    }

    #[test]
    fn puts_answers_below_what_they_answer() {
        for (messages, expected) in [
            (&[][..], ""),
            (&["a", "b"], "(1)(2)"),
            (&["a", "b<a", "c<b<a"], "(1 2 3)"),
            (&["a", "b<a", "c<a"], "(1 (2)(3))"),
            // The answer came first.
            (&["b<a", "a"], "(2 1)"),
            // What both answer is not here; what stands between neither.
            (&["b<a", "c<a"], "((1)(2))"),
            (&["c<b<a"], "(1)"),
            (&["a", "c<b<a"], "(1 2)"),
            // Loops and ids that are there twice.
            (&["a<b", "b<a"], "(2 1)"),
            (&["a<a"], "(1)"),
            (&["a", "a<a"], "(1 2)"),
        ] {
            check(messages, expected);
        }
    }

    #[test]
    fn gathers_roots_of_one_subject() {
        for (messages, expected) in [
            (&["a one", "b Re: one"][..], "(1 2)"),
            (&["a Re: one", "b one"], "(2 1)"),
            (&["a one", "b one"], "((1)(2))"),
            (&["a Re: one", "b Re: one"], "((1)(2))"),
            (&["a one", "b one", "c Re: one"], "((1)(2)(3))"),
            (&["b<a one", "c<a one", "d one"], "((1)(2)(3))"),
            (&["a ", "b "], "(1)(2)"),
        ] {
            check(messages, expected);
        }
    }

    #[test]
    fn long_chains_neither_recurse_nor_take_for_ever() {
        let mut threads = Threads::default();
        for number in 1..=20_000_u32 {
            let header = format!(
                "Message-ID: <{number}@x>\r\nReferences: <{}@x>\r\n\r\n",
                number - 1
            );
            threads.add(Threadable {
                number,
                sent: number.into(),
                facts: Arc::new(Facts::read(header.as_bytes())),
            });
        }
        let numbers = threads
            .finish()
            .into_iter()
            .filter(|piece| matches!(piece, Piece::Number(_)));
        assert_eq!(numbers.count(), 20_000);
    }
}
