//! Which process each record speaks of: a pool of two processes is two pools, whatever their common name.

use hashbrown::{HashMap, HashSet};
use parsers::Kind;

use crate::analyze::columns::Rows;
use crate::analyze::sources::Origin;
use crate::frame::NO_NAME;

/// Hosts as resources tell them apart. Numbers below those of the folders' hosts are these themselves.
pub(super) struct Hosts<'a> {
    rows: &'a Rows<'a>,
    origins: &'a [Origin],
    parent: &'a [u32],
    /// The host of a log that is one of several of its folder that tell of requests from the inside.
    of_family: HashMap<u32, u32>,
    /// The host of a folder's instance, where the folder has several.
    of_instance: HashMap<(u32, u32), u32>,
    names: Vec<String>,
    /// The folder's host of each host.
    folder: Vec<u32>,
}

impl<'a> Hosts<'a> {
    /// `names` are those of the folders' hosts, `parent` the row that each row belongs to.
    pub(super) fn of(rows: &'a Rows<'a>, origins: &'a [Origin], parent: &'a [u32], names: &[String]) -> Self {
        let count = origins.iter().map(|o| o.host as usize + 1).max().unwrap_or(0).max(names.len());
        let mut hosts = Hosts {
            rows,
            origins,
            parent,
            of_family: HashMap::new(),
            of_instance: HashMap::new(),
            names: (0..count).map(|host| names.get(host).cloned().unwrap_or_default()).collect(),
            folder: (0..count as u32).collect(),
        };
        hosts.part_families();
        hosts.part_instances();
        hosts
    }

    fn add(&mut self, folder: u32, name: &str) -> u32 {
        let host = self.names.len() as u32;
        let folder_name = &self.names[folder as usize];
        self.names.push(if folder_name.is_empty() { name.to_owned() } else { format!("{folder_name}/{name}") });
        self.folder.push(folder);
        host
    }

    /// Each log in which a process tells where its requests waited is that of one process.
    fn part_families(&mut self) {
        if ![0, 1, 2].iter().any(|&part| self.rows.any_part(part)) {
            return;
        }
        let mut telling: Vec<u32> = Vec::new();
        let mut known: HashSet<u32> = HashSet::new();
        for row in self.rows.of_kind(Kind::Request) {
            let family = self.origins[self.rows.source[row] as usize].family;
            if !known.contains(&family) && self.rows.parts(row)[..3].iter().any(Option::is_some) {
                known.insert(family);
                telling.push(self.rows.source[row]);
            }
        }
        for &source in &telling {
            let origin = &self.origins[source as usize];
            let is_beside = |other: &&u32| {
                let other = &self.origins[**other as usize];
                other.family != origin.family && other.host == origin.host && overlap(origin.span, other.span)
            };
            if telling.iter().any(|other| is_beside(&other)) {
                let host = self.add(origin.host, &origin.name);
                self.of_family.insert(origin.family, host);
            }
        }
    }

    fn part_instances(&mut self) {
        if !self.rows.has_instances() {
            return;
        }
        let mut seen: HashMap<u32, std::collections::BTreeSet<u32>> = HashMap::new();
        for row in 0..self.rows.len() {
            let (folder, instance) = (self.of_source(row), self.rows.instance(row));
            let instances = seen.entry(folder).or_default();
            if instance != NO_NAME {
                instances.insert(instance);
            }
        }
        let mut several: Vec<(u32, std::collections::BTreeSet<u32>)> =
            seen.into_iter().filter(|(_, instances)| instances.len() > 1).collect();
        several.sort_unstable();
        for (folder, instances) in several {
            for instance in instances {
                let host = self.add(folder, self.rows.text(instance));
                self.of_instance.insert((folder, instance), host);
            }
        }
    }

    fn of_source(&self, row: usize) -> u32 {
        let origin = &self.origins[self.rows.source[row] as usize];
        self.of_family.get(&origin.family).copied().unwrap_or(origin.host)
    }

    /// The host of a row.
    pub(super) fn host(&self, row: usize) -> u32 {
        let host = self.of_source(row);
        if self.of_instance.is_empty() {
            return host;
        }
        self.of_instance.get(&(host, self.instance(row))).copied().unwrap_or(host)
    }

    /// What a row says of its process; where it says nothing, what the span of the same service around it says.
    fn instance(&self, row: usize) -> u32 {
        /// How far up one looks: a service seldom nests deeper before it names itself.
        const FAR: usize = 16;
        let up = std::iter::successors(Some(row), |&row| {
            let above = self.parent[row] as usize;
            (above < self.rows.len() && self.rows.service(above) == self.rows.service(row)).then_some(above)
        });
        up.take(FAR).map(|row| self.rows.instance(row)).find(|&instance| instance != NO_NAME).unwrap_or(NO_NAME)
    }

    /// The host around a host: what is said of it holds for those within. Its own of a folder's.
    pub(super) fn around(&self, host: u32) -> u32 {
        self.folder.get(host as usize).copied().unwrap_or(host)
    }

    /// What a host is called.
    pub(super) fn name(&self, host: u32) -> String {
        self.names.get(host as usize).cloned().unwrap_or_default()
    }
}

/// Whether two logs were written at the same time for half of the shorter one: what was rotated follows the other.
fn overlap(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> bool {
    let length = |(from, to): (i64, i64)| to.saturating_sub(from);
    a.zip(b).is_some_and(|(a, b)| 2 * i128::from(length((a.0.max(b.0), a.1.min(b.1)))) >= i128::from(length(a).min(length(b))))
}
