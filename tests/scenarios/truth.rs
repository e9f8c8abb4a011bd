//! What was so on the systems whose logs lie under `fixtures/scenarios`: copied by hand from what
//! their load generators and applications measured and wrote down, request by request. The program
//! has never seen these records.

/// What was measured on one system while its load was steady.
pub(super) struct Truth {
    /// Folder under `fixtures/scenarios`.
    pub(super) name: &'static str,
    /// Start of the window, by completion.
    pub(super) since: &'static str,
    /// Its end.
    pub(super) until: &'static str,
    /// Endpoint, completed requests, and the means in ms of: total as the application (in B1 and B2
    /// the gateway) measured it, wait for a worker, wait for a connection, database, external calls.
    pub(super) endpoints: &'static [(&'static str, i64, [f64; 5])],
}

pub(super) const S0: Truth = Truth {
    name: "S0",
    since: "2026-11-22T17:48:22.490Z",
    until: "2026-11-22T17:48:32.490Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 78, [44.937, 1.093, 0.144, 43.527, 0.0]),
        ("GET /api/accounts/{id}/transactions", 61, [105.339, 0.385, 0.546, 104.244, 0.0]),
        ("GET /api/rates", 13, [70.151, 0.881, 0.216, 14.168, 54.726]),
        ("POST /api/login", 26, [190.695, 0.815, 0.095, 100.361, 89.198]),
        ("POST /api/payments", 50, [321.496, 1.1, 0.053, 180.37, 139.676]),
        ("POST /api/transfer", 61, [239.544, 1.046, 0.142, 169.865, 68.053]),
    ],
};

pub(super) const S0Z: Truth = Truth {
    name: "S0Z",
    since: "2026-11-22T17:55:23.903Z",
    until: "2026-11-22T17:55:36.903Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 104, [38.894, 0.502, 0.112, 38.143, 0.0]),
        ("GET /api/accounts/{id}/transactions", 74, [107.814, 0.546, 0.466, 106.638, 0.0]),
        ("GET /api/rates", 16, [85.207, 0.514, 0.172, 14.55, 69.817]),
        ("POST /api/login", 33, [196.206, 0.322, 0.032, 88.586, 106.947]),
        ("POST /api/payments", 65, [287.548, 0.655, 0.107, 161.799, 124.784]),
        ("POST /api/transfer", 75, [246.224, 0.662, 0.04, 170.601, 74.676]),
    ],
};

pub(super) const S1: Truth = Truth {
    name: "S1",
    since: "2026-11-22T17:49:02.832Z",
    until: "2026-11-22T17:49:59.832Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 691, [38.454, 0.161, 0.073, 38.136, 0.0]),
        ("GET /api/accounts/{id}/transactions", 462, [99.844, 0.183, 0.096, 99.468, 0.0]),
        ("GET /api/rates", 101, [73.676, 0.29, 0.145, 12.296, 60.853]),
        ("POST /api/login", 227, [180.286, 0.223, 0.121, 87.6, 92.197]),
        ("POST /api/payments", 321, [293.05, 0.242, 0.085, 159.331, 133.283]),
        ("POST /api/transfer", 439, [234.372, 0.213, 0.145, 164.249, 69.629]),
    ],
};

pub(super) const S2: Truth = Truth {
    name: "S2",
    since: "2026-11-22T17:56:07.713Z",
    until: "2026-11-22T17:56:44.713Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 317, [1959.596, 1652.571, 265.263, 41.551, 0.0]),
        ("GET /api/accounts/{id}/transactions", 217, [2030.665, 1663.502, 258.754, 108.207, 0.0]),
        ("GET /api/rates", 52, [1993.557, 1670.668, 248.194, 13.218, 61.301]),
        ("POST /api/login", 93, [2102.425, 1655.98, 268.945, 88.906, 88.33]),
        ("POST /api/payments", 177, [2225.445, 1648.338, 272.316, 167.18, 137.384]),
        ("POST /api/transfer", 218, [2134.88, 1646.25, 255.216, 164.537, 68.649]),
    ],
};

pub(super) const S2T: Truth = Truth {
    name: "S2T",
    since: "2026-11-22T17:45:15.032Z",
    until: "2026-11-22T17:45:47.032Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 539, [994.765, 0.264, 973.263, 21.055, 0.0]),
        ("GET /api/accounts/{id}/transactions", 346, [1033.797, 0.27, 981.082, 52.251, 0.0]),
        ("GET /api/rates", 86, [1022.965, 0.333, 973.351, 7.819, 41.252]),
        ("POST /api/login", 196, [1065.699, 0.241, 965.095, 47.928, 52.215]),
        ("POST /api/payments", 284, [1142.405, 0.296, 979.368, 88.599, 73.936]),
        ("POST /api/transfer", 360, [1102.683, 0.289, 980.493, 85.282, 36.416]),
    ],
};

pub(super) const S3: Truth = Truth {
    name: "S3",
    since: "2026-11-22T17:57:11.080Z",
    until: "2026-11-22T17:57:48.080Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 871, [617.321, 579.708, 0.008, 37.525, 0.0]),
        ("GET /api/accounts/{id}/transactions", 584, [681.566, 584.531, 0.006, 96.947, 0.0]),
        ("GET /api/rates", 140, [658.041, 583.271, 0.005, 12.447, 62.245]),
        ("POST /api/login", 329, [754.404, 581.684, 0.007, 82.481, 89.959]),
        ("POST /api/payments", 491, [861.713, 573.001, 0.008, 155.145, 133.477]),
        ("POST /api/transfer", 626, [811.292, 582.346, 0.006, 159.365, 69.484]),
    ],
};

pub(super) const S5: Truth = Truth {
    name: "S5",
    since: "2026-11-22T17:39:29.697Z",
    until: "2026-11-22T17:40:26.697Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 518, [41.42, 0.689, 0.674, 39.96, 0.0]),
        ("GET /api/accounts/{id}/transactions", 340, [958.102, 0.447, 0.638, 956.855, 0.0]),
        ("GET /api/rates", 81, [72.671, 0.588, 0.731, 14.113, 57.134]),
        ("POST /api/login", 168, [175.563, 0.553, 0.578, 87.801, 86.453]),
        ("POST /api/payments", 238, [287.814, 0.645, 0.59, 161.608, 124.776]),
        ("POST /api/transfer", 334, [240.62, 0.694, 0.62, 167.598, 71.543]),
    ],
};

pub(super) const S7: Truth = Truth {
    name: "S7",
    since: "2026-11-22T17:52:02.088Z",
    until: "2026-11-22T17:52:59.088Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 691, [53.675, 0.878, 1.126, 47.337, 0.0]),
        ("GET /api/accounts/{id}/transactions", 462, [116.231, 0.915, 1.07, 110.003, 0.0]),
        ("GET /api/rates", 101, [75.229, 0.67, 0.611, 12.064, 61.665]),
        ("POST /api/login", 226, [198.162, 0.676, 1.267, 93.84, 102.139]),
        ("POST /api/payments", 320, [334.995, 0.884, 0.887, 175.821, 152.75]),
        ("POST /api/transfer", 438, [269.139, 0.91, 0.943, 185.668, 78.031]),
    ],
};

pub(super) const B1: Truth = Truth {
    name: "B1",
    since: "2026-11-22T17:39:39.539Z",
    until: "2026-11-22T17:40:17.539Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 187, [44.702, 0.0, 0.208, 38.979, 0.0]),
        ("GET /api/accounts/{id}/transactions", 118, [109.33, 0.0, 0.182, 104.792, 0.0]),
        ("GET /api/rates", 35, [93.693, 0.0, 0.202, 13.276, 76.945]),
        ("POST /api/login", 69, [206.655, 0.0, 0.291, 86.646, 114.982]),
        ("POST /api/payments", 69, [301.314, 0.0, 0.198, 168.581, 128.292]),
        ("POST /api/transfer", 106, [260.787, 0.0, 0.303, 179.683, 76.27]),
    ],
};

pub(super) const B2: Truth = Truth {
    name: "B2",
    since: "2026-11-22T17:40:58.151Z",
    until: "2026-11-22T17:41:23.151Z",
    endpoints: &[
        ("GET /api/accounts/{id}/balance", 225, [924.463, 0.0, 877.284, 43.161, 0.0]),
        ("GET /api/accounts/{id}/transactions", 144, [986.879, 0.0, 876.612, 106.965, 0.0]),
        ("GET /api/rates", 33, [964.944, 0.0, 885.043, 13.379, 62.532]),
        ("POST /api/login", 70, [1068.131, 0.0, 879.927, 90.914, 93.931]),
        ("POST /api/payments", 101, [1186.289, 0.0, 885.814, 164.804, 131.857]),
        ("POST /api/transfer", 151, [1126.862, 0.0, 880.837, 167.13, 75.416]),
    ],
};
