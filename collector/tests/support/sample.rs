//! Measurements made from a seed: each optional part is there or not as the seed has it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    measurement::{
        Answer, ApplicationTimes, Call, ConnectionEnds, Failure, ImageContent, ImageKey,
        Measurement, ProviderIdentity, Timing,
    },
    outcome::Outcome,
    provider::Api,
    split::{InferenceBounds, Split, SplitFlags, SplitMethod, SplitTimes},
    time::Timestamp,
};
use uuid::Uuid;

pub(crate) const AGENT: &str = "us-1";

/// Numbers from a seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.number() % u64::from(bound)).unwrap()
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(make(self)) } else { None }
    }

    fn length(&mut self) -> Duration {
        Duration::from_nanos(self.number() >> 4)
    }

    fn text(&mut self) -> String {
        ["", "plain", "with 'quotes' and \"more\"", "zwei, drei;\nfünf 🙂", "null\0byte"]
            [self.below(5) as usize]
            .to_owned()
    }

    fn address(&mut self) -> SocketAddr {
        let port = u16::try_from(self.below(65536)).unwrap();
        let ip = if self.flag() {
            IpAddr::V4(Ipv4Addr::from_bits(self.below(u32::MAX)))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(self.number().into()))
        };
        SocketAddr::new(ip, port)
    }
}

/// A measurement whose uid is as new as its number.
pub(crate) fn measurement(number: u64) -> Measurement {
    let mut draw = Draw(number);
    Measurement {
        call: call(number, &mut draw),
        outcome: Outcome::all().nth(draw.below(23) as usize).unwrap(),
        content: draw.maybe(|draw| content(u8::try_from(draw.below(4)).unwrap())),
        timing: draw.maybe(timing),
        http_status: draw.maybe(|draw| u16::try_from(draw.below(65536)).unwrap()),
        failure: draw.maybe(|draw| Failure { code: draw.text(), message: draw.text() }),
        answer: draw.maybe(answer),
        cost_microusd: draw.number() >> 1,
        simulated: draw.flag(),
    }
}

fn call(number: u64, draw: &mut Draw) -> Call {
    let name =
        |draw: &mut Draw, names: [&str; 3]| Name::new(names[draw.below(3) as usize]).unwrap();
    Call {
        uid: Uuid::from_u128((u128::from(number) << 64) | 0x7000_8000),
        slice: Uuid::from_u128(draw.number().into()),
        planned_at: Timestamp::from_unix_ns(draw.number().cast_signed() >> 2),
        agent: Name::new(AGENT).unwrap(),
        region: name(draw, ["us", "sg", "hk"]),
        provider: ProviderIdentity {
            name: name(draw, ["aws", "azure", "google"]),
            api: Api::ALL[draw.below(3) as usize],
            region: name(draw, ["us", "sg", "hk"]),
            endpoint: draw.text(),
            simulated: draw.flag(),
        },
        image: ImageKey { bucket: draw.text(), key: format!("{}.jpg", draw.below(4)) },
        attempt: draw.below(9) + 1,
    }
}

/// What an image holds, the same for the same number.
pub(crate) fn content(image: u8) -> ImageContent {
    ImageContent {
        sha256: [image; 32],
        bytes: 1000 + u64::from(image),
        width: 640,
        height: 480 + u32::from(image),
    }
}

fn timing(draw: &mut Draw) -> Timing {
    Timing {
        started_at: Timestamp::from_unix_ns(draw.number().cast_signed() >> 2),
        ends: draw.maybe(|draw| ConnectionEnds {
            client: draw.address(),
            server: draw.address(),
            index: draw.below(u32::MAX),
        }),
        application: ApplicationTimes {
            dns: draw.maybe(Draw::length),
            connect: draw.maybe(Draw::length),
            tls: draw.maybe(Draw::length),
            upload: draw.maybe(Draw::length),
            wait: draw.maybe(Draw::length),
            download: draw.maybe(Draw::length),
            total: draw.maybe(Draw::length),
        },
        split: draw.maybe(split),
        socket: draw.maybe(socket),
    }
}

/// A split by stamps, with as much of it as the database keeps.
fn socket(draw: &mut Draw) -> Split {
    Split {
        method: SplitMethod::Socket,
        request_first: None,
        connect: None,
        tls: None,
        request_bytes: 0,
        response_bytes: 0,
        retransmissions: 0,
        ..split(draw)
    }
}

fn split(draw: &mut Draw) -> Split {
    let times = draw.maybe(|draw| {
        let inference = draw.length();
        let bounds = draw.maybe(|draw| InferenceBounds {
            low: inference / 2,
            high: inference + Duration::from_nanos(draw.below(100).into()),
        });
        SplitTimes::new(draw.length(), inference, draw.length(), bounds).unwrap()
    });
    Split {
        method: SplitMethod::ALL[draw.below(3) as usize],
        times,
        request_first: draw.maybe(|draw| Timestamp::from_unix_ns(draw.number().cast_signed())),
        connect: draw.maybe(Draw::length),
        tls: draw.maybe(Draw::length),
        rtt: draw.maybe(Draw::length),
        request_bytes: draw.number() >> 1,
        response_bytes: draw.number() >> 1,
        retransmissions: draw.below(u32::MAX),
        flags: SplitFlags::from_bits_truncate(draw.below(u32::MAX)),
    }
}

fn answer(draw: &mut Draw) -> Answer {
    let detections = (0..draw.below(4)).map(|_| {
        let bbox = draw.maybe(|draw| {
            let [left, top] = [f64::from(draw.below(500)), f64::from(draw.below(500)) / 7.0];
            BoundingBox::from_corners([left, top, left + 0.1, top + 300.0]).unwrap()
        });
        Detection::new(draw.text(), f64::from(draw.below(1001)) / 1000.0, bbox).unwrap()
    });
    let detections = detections.collect();
    let raw = vec![u8::try_from(draw.below(256)).unwrap(); draw.below(3) as usize];
    Answer { raw, model_version: draw.maybe(Draw::text), detections }
}

/// A call that went well: the given provider saw one object in the given image.
pub(crate) fn good(number: u64, image: u8, provider: &str, started_at: i64) -> Measurement {
    let mut measurement = measurement(number);
    let ms = Duration::from_millis;
    measurement.outcome = Outcome::Ok;
    measurement.call.region = Name::new("us").unwrap();
    measurement.call.provider.name = Name::new(provider).unwrap();
    measurement.call.planned_at = Timestamp::from_unix_ns(started_at - 5);
    measurement.call.image = ImageKey { bucket: "set".to_owned(), key: format!("{image}.jpg") };
    measurement.content = Some(content(image));
    measurement.cost_microusd = 1000;
    measurement.simulated = true;
    let split = Split {
        method: SplitMethod::Packets,
        times: Some(SplitTimes::new(ms(5), ms(300), ms(2), None).unwrap()),
        request_first: None,
        connect: None,
        tls: None,
        rtt: None,
        request_bytes: 1,
        response_bytes: 1,
        retransmissions: 0,
        flags: SplitFlags::DELAYED_ACK | SplitFlags::TRUNCATED,
    };
    measurement.timing = Some(Timing {
        started_at: Timestamp::from_unix_ns(started_at),
        ends: None,
        application: ApplicationTimes::default(),
        split: Some(split),
        socket: None,
    });
    let bbox = BoundingBox::from_corners([1.0, 2.0, 3.0, 4.5]).unwrap();
    let detections = vec![
        Detection::new("cat", 0.9, Some(bbox)).unwrap(),
        Detection::new("indoor", 0.5, None).unwrap(),
    ];
    measurement.answer =
        Some(Answer { raw: b"{}".to_vec(), model_version: Some("1.0".to_owned()), detections });
    measurement
}
