//! Which rules match a class.

/// Which rules match classes, for one row after another. What matches the same rules has one pattern: a number, 0 where none matches.
///
/// Each mark costs a few look-ups in lists, whatever was marked before.
#[derive(Default)]
pub(crate) struct Patterns {
    /// For each class its pattern.
    of: Vec<u32>,
    /// The classes that some rule matches.
    touched: Vec<u32>,
    /// For each pattern that which it goes on from, and the code that it adds.
    made: Vec<(u32, u32)>,
    /// For each pattern the last codes, one of certainty and one of possibility, that were added to it, and what came of that.
    next: Vec<[(u32, u32); 2]>,
}

impl Patterns {
    /// Begins a row, with places for as many classes.
    pub(crate) fn begin(&mut self, classes: usize) {
        for class in self.touched.drain(..) {
            self.of[class as usize] = 0;
        }
        if self.of.len() < classes {
            self.of.resize(classes, 0);
        }
        self.made.clear();
        self.next.clear();
        self.add(0, u32::MAX);
    }

    fn add(&mut self, from: u32, code: u32) -> u32 {
        self.made.push((from, code));
        self.next.push([(u32::MAX, 0); 2]);
        self.made.len() as u32 - 1
    }

    /// Notes that a rule matches a class: twice its number, and one more where that is not certain. Rules come in their order; of one
    /// rule, certainty wins over possibility.
    pub(crate) fn mark(&mut self, class: usize, code: u32) {
        let mut from = self.of[class];
        if from == 0 {
            self.touched.push(class as u32);
        } else {
            let (before, last) = self.made[from as usize];
            if last / 2 == code / 2 {
                if last <= code {
                    return;
                }
                from = before;
            }
        }
        let way = code as usize % 2;
        let (known, to) = self.next[from as usize][way];
        let to = if known == code { to } else { self.add(from, code) };
        self.next[from as usize][way] = (code, to);
        self.of[class] = to;
    }

    /// The pattern of a class.
    pub(crate) fn of(&self, class: usize) -> u32 {
        self.of[class]
    }

    /// The classes that some rule matches.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// The codes of a pattern, in order.
    pub(crate) fn codes(&self, pattern: u32) -> Vec<u32> {
        let mut codes = Vec::new();
        let mut at = pattern;
        while at != 0 {
            let (before, code) = self.made[at as usize];
            codes.push(code);
            at = before;
        }
        codes.reverse();
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches_the_same_rules_has_one_pattern() {
        let mut patterns = Patterns::default();
        for _ in 0..2 {
            patterns.begin(4);
            for (class, code) in [(0, 0), (1, 0), (2, 1), (2, 0), (3, 5), (0, 4), (2, 4), (0, 5), (1, 6)] {
                patterns.mark(class, code);
            }
            assert_eq!(patterns.of(0), patterns.of(2), "possible, and then certain");
            assert_eq!(patterns.codes(patterns.of(0)), [0, 4], "certain, and then possible");
            assert_eq!(patterns.codes(patterns.of(1)), [0, 6]);
            assert_eq!(patterns.codes(patterns.of(3)), [5]);
            assert_eq!(patterns.touched(), [0, 1, 2, 3]);
        }
        patterns.begin(4);
        assert_eq!((patterns.of(0), patterns.touched().len()), (0, 0));
    }
}
