//! What benches of the whole way share: a log as a finished file, loaded as the program loads it.

use narrows::analyze::sources::Origin;
use narrows::input::{Found, Origin as Named};
use narrows::load::{Loaded, Options, load};

/// Numbers that look random and are the same each time (Knuth's MMIX generator).
pub(crate) fn random() -> impl FnMut(u64) -> u64 {
    let mut state = 7u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

/// A log as a file that looks finished, so that it is mapped. It is there as long as the folder is.
pub(crate) fn file(name: &str, log: &[u8]) -> (tempfile::TempDir, Vec<Found>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, log).expect("writes the log");
    let file = std::fs::File::open(&path).expect("opens it again");
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    file.set_modified(hour_ago).expect("sets its time");
    (folder, vec![Found { path, origin: Named::Named }])
}

/// Bytes to the frame.
pub(crate) fn loaded(inputs: &[Found]) -> Loaded {
    load(inputs, &Options::default(), &|_, _| ()).expect("loads")
}

/// One log of one host, as the program would have it.
pub(crate) fn origins(loaded: &Loaded) -> Vec<Origin> {
    let source = &loaded.sources[0];
    let (stamp_resolution_ns, resolution_ns) = (source.facts.stamp_resolution_ns, source.facts.resolution_ns);
    vec![Origin { stamp_resolution_ns, resolution_ns, span: source.span, ..Origin::default() }]
}
