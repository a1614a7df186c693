//! Two tables of the same groups, word by word.

use armol_analysis::label_groups::{GroupId, LabelGroups, WordTable};

use super::Knowledge;

/// How far another table agrees.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The words of the other table.
    pub(super) theirs: usize,
    /// Those that lead to the same group in both.
    pub(super) same: usize,
    /// Those that lead elsewhere, or nowhere, here.
    pub(super) differences: Vec<Difference>,
    /// How many words only this table has.
    pub(super) only_here: usize,
}

/// A word that leads to one target there, and to another or nowhere here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The word as the other table is matched.
    pub(super) word: String,
    /// Where it leads here.
    pub(super) ours: Option<String>,
    /// Where it leads there.
    pub(super) theirs: String,
    /// Why it leads where it leads here; `None` where WordNet is not installed.
    pub(super) why: Option<String>,
}

/// What tells why a word leads where it leads.
#[derive(Debug)]
pub(super) struct Reasons {
    /// The table as the rules build it.
    pub(super) built: WordTable,
    pub(super) knowledge: Knowledge,
}

impl Comparison {
    /// Looks every word of `other` up in `table`.
    pub(super) fn new(
        table: &LabelGroups,
        other: &LabelGroups,
        targets: &[String],
        reasons: Option<&Reasons>,
    ) -> Self {
        let (mut theirs, mut same) = (0, 0);
        let mut differences = Vec::new();
        for (word, group) in other.words() {
            theirs += 1;
            let ours = table.group(word);
            if ours == Some(group) {
                same += 1;
                continue;
            }
            differences.push(Difference {
                word: word.to_owned(),
                ours: ours.map(|group| target(group, targets)),
                theirs: target(group, targets),
                why: reasons.map(|reasons| reasons.reason(word)),
            });
        }
        differences
            .sort_by(|one, other| (&one.theirs, &one.word).cmp(&(&other.theirs, &other.word)));
        let only_here = table.words().filter(|(word, _)| other.group(word).is_none()).count();
        Self { theirs, same, differences, only_here }
    }
}

impl Reasons {
    fn reason(&self, word: &str) -> String {
        self.built.explain(word, &self.knowledge.wordnet, &self.knowledge.rules).reason
    }
}

/// The target of a group, or the group's number where there is none.
pub(super) fn target(group: GroupId, targets: &[String]) -> String {
    let target = targets.get(usize::from(group.number()));
    target.cloned().unwrap_or_else(|| format!("group {group}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_lead_elsewhere_or_nowhere_are_told() {
        let ours =
            LabelGroups::from_json(r#"{"cat": 0, "dog": 1, "frank": 2, "tabby": 0}"#).unwrap();
        let theirs = LabelGroups::from_json(r#"{"Cat": 0, "frank": 1, "diverge": 9}"#).unwrap();
        let targets = ["cat", "dog", "hot dog"].map(str::to_owned);
        let comparison = Comparison::new(&ours, &theirs, &targets, None);
        assert_eq!((comparison.theirs, comparison.same, comparison.only_here), (3, 1, 2));
        let told: Vec<_> = comparison
            .differences
            .iter()
            .map(|each| (each.word.as_str(), each.ours.as_deref(), each.theirs.as_str()))
            .collect();
        assert_eq!(told, [("frank", Some("hot dog"), "dog"), ("diverge", None, "group 9")]);
    }
}
