//! A found exchange as one flat row, with the stable names of JSON and CSV.

use std::{net::IpAddr, time::Duration};

use serde::Serialize;

use crate::{
    offline::FoundExchange,
    split::{InferenceBounds, SplitTimes},
    time::{Timestamp, nanoseconds},
};

/// One exchange; a time that is not known is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeRow {
    /// The capture it was found in.
    pub file: String,
    /// The client's address.
    pub client: IpAddr,
    /// The client's port.
    pub client_port: u16,
    /// The server's address.
    pub server: IpAddr,
    /// The server's port.
    pub server_port: u16,
    /// How many streams between these ends came before its own.
    pub generation: u32,
    /// Its place on its stream, from 0.
    pub index: u32,
    /// When the request's first byte was first sent, since 1970.
    pub request_first_ns: Option<i64>,
    /// The network's part: upload plus download.
    pub transmission_ns: Option<i64>,
    /// First byte of the request sent, until the server had all of it.
    pub upload_ns: Option<i64>,
    /// The server had the request, until the first byte of its response.
    pub inference_ns: Option<i64>,
    /// The least that the inference can have been.
    pub inference_low_ns: Option<i64>,
    /// The most that the inference can have been.
    pub inference_high_ns: Option<i64>,
    /// First byte of the response, until its last.
    pub download_ns: Option<i64>,
    /// All of it.
    pub total_ns: Option<i64>,
    /// First SYN to SYN-ACK; of a stream's first exchange only, as is the next.
    pub connect_ns: Option<i64>,
    /// ClientHello to the end of the TLS handshake.
    pub tls_ns: Option<i64>,
    /// The round trip that the split rests on.
    pub rtt_ns: Option<i64>,
    /// The request's bytes in the TCP stream, TLS included.
    pub request_bytes: u64,
    /// The response's bytes in the TCP stream, TLS included.
    pub response_bytes: u64,
    /// What the server is called.
    pub server_name: Option<String>,
    /// How its boundaries are known: `read` or `inferred`.
    pub quality: &'static str,
    /// What to know before trusting the times.
    pub flags: Vec<String>,
}

impl ExchangeRow {
    /// The columns, in their order.
    pub const NAMES: [&str; 23] = [
        "file",
        "client",
        "client_port",
        "server",
        "server_port",
        "generation",
        "index",
        "request_first_ns",
        "transmission_ns",
        "upload_ns",
        "inference_ns",
        "inference_low_ns",
        "inference_high_ns",
        "download_ns",
        "total_ns",
        "connect_ns",
        "tls_ns",
        "rtt_ns",
        "request_bytes",
        "response_bytes",
        "server_name",
        "quality",
        "flags",
    ];

    /// The row of an exchange that was found in this file.
    pub fn new(file: &str, found: &FoundExchange) -> Self {
        let split = &found.split;
        let length = |length: Option<Duration>| length.map(nanoseconds);
        let part = |part: fn(SplitTimes) -> Duration| length(split.times.map(part));
        let bounds = split.times.and_then(SplitTimes::bounds);
        let bound = |bound: fn(InferenceBounds) -> Duration| length(bounds.map(bound));
        Self {
            file: file.to_owned(),
            client: found.client.ip(),
            client_port: found.client.port(),
            server: found.server.ip(),
            server_port: found.server.port(),
            generation: found.generation,
            index: found.index,
            request_first_ns: split.request_first.map(Timestamp::unix_ns),
            transmission_ns: part(SplitTimes::transmission),
            upload_ns: part(SplitTimes::upload),
            inference_ns: part(SplitTimes::inference),
            inference_low_ns: bound(|bounds| bounds.low),
            inference_high_ns: bound(|bounds| bounds.high),
            download_ns: part(SplitTimes::download),
            total_ns: part(SplitTimes::total),
            connect_ns: length(split.connect),
            tls_ns: length(split.tls),
            rtt_ns: length(split.rtt),
            request_bytes: split.request_bytes,
            response_bytes: split.response_bytes,
            server_name: found.server_name.as_deref().map(str::to_owned),
            quality: found.quality.as_str(),
            flags: split.flags.words(),
        }
    }

    /// The values of [`Self::NAMES`] as text: absent is empty, flags stand behind one another.
    pub fn fields(&self) -> [String; 23] {
        let time = |time: Option<i64>| time.map(|time| time.to_string()).unwrap_or_default();
        [
            self.file.clone(),
            self.client.to_string(),
            self.client_port.to_string(),
            self.server.to_string(),
            self.server_port.to_string(),
            self.generation.to_string(),
            self.index.to_string(),
            time(self.request_first_ns),
            time(self.transmission_ns),
            time(self.upload_ns),
            time(self.inference_ns),
            time(self.inference_low_ns),
            time(self.inference_high_ns),
            time(self.download_ns),
            time(self.total_ns),
            time(self.connect_ns),
            time(self.tls_ns),
            time(self.rtt_ns),
            self.request_bytes.to_string(),
            self.response_bytes.to_string(),
            self.server_name.clone().unwrap_or_default(),
            self.quality.to_owned(),
            self.flags.join(" "),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use super::*;
    use crate::{
        offline::Quality,
        split::{Split, SplitFlags, SplitMethod},
        time::Timestamp,
    };

    fn row() -> ExchangeRow {
        let ms = Duration::from_millis;
        let bounds = InferenceBounds { low: ms(2), high: ms(4) };
        let split = Split {
            method: SplitMethod::Packets,
            times: SplitTimes::new(ms(1), ms(3), ms(5), Some(bounds)).ok(),
            request_first: Some(Timestamp::from_unix_ns(7)),
            connect: None,
            tls: Some(ms(8)),
            rtt: Some(ms(9)),
            request_bytes: 10,
            response_bytes: 11,
            retransmissions: 0,
            flags: SplitFlags::DSACK | SplitFlags::TRUNCATED,
        };
        let found = FoundExchange {
            client: SocketAddr::from(([10, 0, 0, 1], 12)),
            server: SocketAddr::from(([10, 0, 0, 2], 13)),
            generation: 14,
            index: 15,
            server_name: Some(Arc::from("example.com")),
            quality: Quality::Inferred,
            split,
        };
        ExchangeRow::new("a.cap", &found)
    }

    #[test]
    fn json_has_the_columns_of_csv() {
        let row = row();
        let json = serde_json::to_string(&row).unwrap();
        let mut place = 0;
        for (name, field) in ExchangeRow::NAMES.iter().zip(row.fields()) {
            let value = match *name {
                "flags" => "[\"dsack\",\"truncated\"]".to_owned(),
                "file" | "client" | "server" | "server_name" | "quality" => format!("\"{field}\""),
                _ if field.is_empty() => "null".to_owned(),
                _ => field,
            };
            let pair = format!("\"{name}\":{value}");
            place += json.get(place..).unwrap().find(&pair).unwrap_or_else(|| panic!("{pair}"));
        }
        assert_eq!(json.matches("\":").count(), ExchangeRow::NAMES.len());
    }
}
