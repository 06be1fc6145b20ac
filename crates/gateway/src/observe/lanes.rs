//! What the lanes tell of themselves, a few atomic stores each time one moves.

use mailward_net::metrics::{Gauge, Registry};
use mailward_queue::Lane;

use super::table;

/// The figures of one lane, looked up once.
#[derive(Clone, Debug)]
pub(crate) struct LaneFigures {
    connections: Gauge,
    under_way: Gauge,
    paused: Gauge,
}

impl LaneFigures {
    pub(super) fn new(registry: &Registry, lane: &Lane) -> Self {
        let (route, account) = (lane.route.as_str(), lane.account.as_str());
        let gauge = |definition| registry.gauge(definition, &[route, account]);
        Self {
            connections: gauge(&table::DELIVERY_CONNECTIONS),
            under_way: gauge(&table::UNDER_WAY),
            paused: gauge(&table::LANE_PAUSED),
        }
    }

    /// How the lane stands now.
    pub(crate) fn stands(&self, idle: usize, under_way: usize, paused: bool) {
        let figure = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(figure(idle + under_way));
        self.under_way.set(figure(under_way));
        self.paused.set(i64::from(paused));
    }
}
