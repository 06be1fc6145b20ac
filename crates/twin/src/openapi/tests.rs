//! The description against what is served.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use super::{OPERATIONS, document};
use crate::listen;
use crate::worlds::tests::{CONTROL_TOKEN, worlds};

/// Every path of the router, as it prints itself; what it serves besides the
/// two APIs is not described here.
fn paths(router: &Router) -> BTreeSet<String> {
    let printed = format!("{router:?}");
    let quoted = printed.split('"').filter(|text| text.starts_with('/'));
    // The identity service, worlds by path, and axum's own for all the rest.
    let is_ours = |path: &&str| {
        let others = ["/{tenant}/", "/world/", "/{*"];
        *path != "/" && !others.iter().any(|other| path.starts_with(other))
    };
    quoted.filter(is_ours).map(str::to_owned).collect()
}

/// Methods of a path, by what a request of an unknown one is told.
async fn methods(router: &Router, path: &str) -> BTreeSet<String> {
    let path = path.replace(['{', '}'], "");
    let request = Request::builder()
        .method("OPTIONS")
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {CONTROL_TOKEN}"))
        .body(Body::empty())
        .expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = answer.headers()[header::ALLOW].to_str().expect("a list");
    let all = allowed
        .split(',')
        .map(|method| method.trim().to_lowercase());
    all.filter(|method| method != "head").collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let worlds = worlds().await;
    let router = listen::router(&worlds);
    let mut described: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for operation in OPERATIONS {
        let methods = described.entry(operation.path).or_default();
        assert!(
            methods.insert(operation.method.to_owned()),
            "{operation:?} stands twice"
        );
    }
    let named: BTreeSet<String> = described.keys().map(|path| (*path).to_owned()).collect();
    assert_eq!(paths(&router), named);
    for (path, expected) in described {
        assert_eq!(methods(&router, path).await, expected, "{path}");
    }
}

#[test]
fn every_name_is_one_of_its_own_and_every_schema_is_there_and_used() {
    let document = document().expect("JSON");
    let ids: BTreeSet<&str> = OPERATIONS.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), OPERATIONS.len());
    let text = document.to_string();
    let references = text.split("#/components/schemas/").skip(1);
    let used: BTreeSet<&str> = references
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let known: BTreeSet<&str> = schemas.keys().map(String::as_str).collect();
    assert_eq!(used, known);
}
