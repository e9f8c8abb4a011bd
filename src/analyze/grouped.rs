//! Operations by group, so that each group's can be looked at on its own.

/// Indices of operations by group, in their order within each.
pub struct Grouped {
    first: Vec<u32>,
    order: Vec<u32>,
}

impl Grouped {
    /// By a counting sort. `group` numbers the group of each operation, from 0 to `groups`.
    pub fn new(group: &[u32], groups: usize) -> Self {
        let mut first = vec![0u32; groups + 1];
        group.iter().for_each(|&group| first[group as usize + 1] += 1);
        for i in 0..groups {
            first[i + 1] += first[i];
        }
        let mut next = first.clone();
        let mut order = vec![0u32; group.len()];
        for (at, &group) in group.iter().enumerate() {
            order[next[group as usize] as usize] = at as u32;
            next[group as usize] += 1;
        }
        Grouped { first, order }
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.first.len() - 1
    }

    /// The operations of a group, as indices.
    pub fn members(&self, group: usize) -> &[u32] {
        &self.order[self.first[group] as usize..self.first[group + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order() {
        let grouped = Grouped::new(&[2, 0, 2, 2, 0], 4);
        assert_eq!((0..grouped.len()).map(|g| grouped.members(g)).collect::<Vec<_>>(), [&[1, 4][..], &[], &[0, 2, 3], &[]]);
    }
}
