//! Finds where the flow narrows: a log and trace bottleneck analyzer.
