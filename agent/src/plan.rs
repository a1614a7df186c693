//! What one run of the schedule will do, written down before any of it is done.

use armol_analysis::identity::Name;
use armol_analysis::{
    measurement::{Call, ImageKey, ProviderIdentity},
    time::Timestamp,
};
use uuid::{NoContext, Uuid};

/// Plans one call for each image and provider, image by image.
pub fn calls(
    agent: &Name,
    region: &Name,
    providers: &[ProviderIdentity],
    images: &[ImageKey],
    now: Timestamp,
) -> Vec<Call> {
    let slice = uuid_at(now);
    let mut calls = Vec::with_capacity(images.len() * providers.len());
    for image in images {
        for provider in providers {
            calls.push(Call {
                uid: uuid_at(now),
                slice,
                planned_at: now,
                agent: agent.clone(),
                region: region.clone(),
                provider: provider.clone(),
                image: image.clone(),
                attempt: 1,
            });
        }
    }
    calls
}

/// A UUID of version 7: ordered by time to the millisecond, random beyond.
fn uuid_at(now: Timestamp) -> Uuid {
    const NANOSECONDS: i64 = 1_000_000_000;
    let seconds = u64::try_from(now.unix_ns().div_euclid(NANOSECONDS)).unwrap_or(0);
    let rest = u32::try_from(now.unix_ns().rem_euclid(NANOSECONDS)).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use armol_analysis::provider::Api;

    use super::*;

    #[test]
    fn plans_every_pair_once_image_by_image() {
        let name = |text: &str| Name::new(text).unwrap();
        let provider = |text: &str| ProviderIdentity {
            name: name(text),
            api: Api::Rekognition,
            region: name("sg"),
            endpoint: String::new(),
            simulated: false,
        };
        let image = |key: &str| ImageKey { bucket: "set".to_owned(), key: key.to_owned() };
        let now = Timestamp::from_unix_ns(1_700_000_000_123_456_789);
        let providers = [provider("a"), provider("b")];
        let images = [image("1"), image("2")];
        let calls = calls(&name("us-1"), &name("us"), &providers, &images, now);
        let pairs = calls
            .iter()
            .map(|call| (call.image.key.as_str(), call.provider.name.as_str()))
            .collect::<Vec<_>>();
        assert_eq!(pairs, [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")]);
        let uids = calls.iter().map(|call| call.uid).collect::<HashSet<_>>();
        assert_eq!(uids.len(), 4);
        assert!(calls.iter().all(|call| call.slice == calls[0].slice));
        let (seconds, _) = calls[0].uid.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_700_000_000);
    }
}
