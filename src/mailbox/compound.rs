//! Compound files: the file system in a file that Outlook writes (MS-CFB).
//!
//! [`Compound::open`] reads the header and the directory; [`Compound::find`]
//! looks up a child by its name and [`Compound::read`] gives a stream's
//! octets. Sectors are fetched as they are needed, so a large file costs no
//! memory, and one that was cut short yields what is still there.
//!
//! Every chain and tree is followed no further than the file has sectors or
//! the directory entries: loops end as errors. Red and black, times, class
//! identifiers and all writing are left out.

use std::io::{self, Read, Seek, SeekFrom};

/// Sector numbers above this are marks (MS-CFB, section 2.1).
const LAST_SECTOR: u32 = 0xFFFF_FFFA;

/// No entry (MS-CFB, section 2.6.1).
const NO_ENTRY: u32 = 0xFFFF_FFFF;

/// An entry's size (MS-CFB, section 2.6.1).
const ENTRY: usize = 128;

/// Directories and tables of more entries belong to no message.
const MOST_ENTRIES: usize = 16 << 10;
const MOST_SECTORS: usize = 1 << 20;

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Storage,
    Stream,
}

/// A directory entry.
#[derive(Debug)]
struct Entry {
    name: String,
    kind: Kind,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    size: u64,
}

/// A compound file, opened.
pub(super) struct Compound<F> {
    file: F,
    sector_size: u64,
    mini_size: u64,
    /// Streams below this size lie in the mini stream.
    cutoff: u64,
    /// Sectors that the file may have at most.
    sectors: usize,
    /// Where the parts of the table of sectors are.
    table: Vec<u32>,
    mini_table: Vec<u32>,
    /// The sectors of the mini stream.
    mini_stream: Vec<u32>,
    entries: Vec<Option<Entry>>,
    /// The part of the table read last.
    cached: (u32, Vec<u8>),
}

/// The entry of the root storage.
pub(super) const ROOT: usize = 0;

impl<F: Read + Seek> Compound<F> {
    pub fn open(mut file: F) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut header = [0; 512];
        file.read_exact(&mut header)
            .map_err(|_| broken("its header is cut short"))?;
        let (shift, mini_shift) = (u16_at(&header, 0x1E), u16_at(&header, 0x20));
        if !matches!(shift, 9 | 12) || mini_shift != 6 {
            return Err(broken("its sectors have no size that is defined"));
        }
        let sector_size = 1_u64 << shift;
        let sectors = usize::try_from(length / sector_size + 1).unwrap_or(usize::MAX);
        let mut this = Self {
            file,
            sector_size,
            mini_size: 1 << mini_shift,
            cutoff: u64::from(u32_at(&header, 0x38)),
            sectors,
            table: Vec::new(),
            mini_table: Vec::new(),
            mini_stream: Vec::new(),
            entries: Vec::new(),
            cached: (NO_ENTRY, Vec::new()),
        };
        this.read_table(&header)?;
        this.read_directory(u32_at(&header, 0x30))?;
        let root = this.entry(ROOT).ok_or_else(|| broken("it has no root"))?;
        let (start, size) = (root.start, root.size);
        let stream_sectors = usize::try_from(size.div_ceil(sector_size)).unwrap_or(usize::MAX);
        this.mini_stream = this.chain(start, stream_sectors.min(MOST_SECTORS))?;
        let mini_table = this.chain(u32_at(&header, 0x3C), MOST_SECTORS)?;
        for sector in mini_table {
            if this.mini_table.len() >= MOST_SECTORS {
                break;
            }
            let Ok(octets) = this.sector(sector) else {
                break;
            };
            this.mini_table.extend(numbers(&octets));
        }
        Ok(this)
    }

    /// The child of a storage that is called so; case does not count
    /// (MS-CFB, section 2.6.4).
    pub fn find(&self, storage: usize, name: &str) -> Option<usize> {
        let mut found = None;
        self.each_child(storage, |child| {
            if self.name(child).eq_ignore_ascii_case(name) {
                found = Some(child);
            }
            found.is_none()
        });
        found
    }

    /// What a storage holds, by entry, in order of their names.
    pub fn children(&self, storage: usize) -> Vec<usize> {
        let mut found = Vec::new();
        self.each_child(storage, |child| {
            found.push(child);
            true
        });
        found.sort_by(|a, b| self.name(*a).cmp(self.name(*b)));
        found
    }

    /// Visits the tree of siblings, whatever its order, each entry once, until
    /// `visit` says no.
    fn each_child(&self, storage: usize, mut visit: impl FnMut(usize) -> bool) {
        let mut seen = vec![false; self.entries.len()];
        let mut open = vec![self.entry(storage).map_or(NO_ENTRY, |entry| entry.child)];
        while let Some(next) = open.pop() {
            let Ok(index) = usize::try_from(next) else {
                continue;
            };
            let Some(entry) = self.entry(index) else {
                continue;
            };
            match seen.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            if !visit(index) {
                return;
            }
            open.extend([entry.left, entry.right]);
        }
    }

    pub fn name(&self, entry: usize) -> &str {
        self.entry(entry).map_or("", |entry| &entry.name)
    }

    pub fn kind(&self, entry: usize) -> Option<Kind> {
        self.entry(entry).map(|entry| entry.kind)
    }

    /// The octets of a stream, at most `limit`, and whether there are more.
    pub fn read(&mut self, stream: usize, limit: usize) -> io::Result<(Vec<u8>, bool)> {
        let Some(entry) = self.entry(stream) else {
            return Ok((Vec::new(), false));
        };
        let (start, size) = (entry.start, entry.size);
        let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(limit);
        let mut octets = Vec::with_capacity(wanted.min(1 << 20));
        if size < self.cutoff {
            self.read_mini(start, wanted, &mut octets)?;
        } else {
            let sectors = wanted.div_ceil(usize::try_from(self.sector_size).unwrap_or(usize::MAX));
            for sector in self.chain(start, sectors)? {
                let mut part = self.sector(sector)?;
                part.truncate(wanted - octets.len());
                octets.append(&mut part);
            }
        }
        if octets.len() < wanted {
            return Err(broken("a stream ends before its size"));
        }
        Ok((octets, size > wanted as u64))
    }

    fn read_mini(&mut self, start: u32, wanted: usize, octets: &mut Vec<u8>) -> io::Result<()> {
        let mut mini = start;
        for _ in 0..wanted.div_ceil(64) {
            let at = u64::from(mini) * self.mini_size;
            let inside = at / self.sector_size;
            let sector = usize::try_from(inside)
                .ok()
                .and_then(|inside| self.mini_stream.get(inside))
                .copied()
                .ok_or_else(|| broken("a small stream points outside of its file"))?;
            let mut part = vec![0; 64.min(wanted - octets.len())];
            let place = self.place(sector) + at % self.sector_size;
            self.file.seek(SeekFrom::Start(place))?;
            self.file
                .read_exact(&mut part)
                .map_err(|_| broken("it is cut short"))?;
            octets.append(&mut part);
            mini = usize::try_from(mini)
                .ok()
                .and_then(|mini| self.mini_table.get(mini))
                .copied()
                .unwrap_or(NO_ENTRY);
            if mini > LAST_SECTOR {
                break;
            }
        }
        Ok(())
    }

    /// Reads where the table of sectors is (MS-CFB, section 2.5).
    fn read_table(&mut self, header: &[u8; 512]) -> io::Result<()> {
        let known = header.get(0x4C..).unwrap_or_default();
        self.table
            .extend(numbers(known).take_while(|sector| *sector <= LAST_SECTOR));
        let mut next = u32_at(header, 0x44);
        let mut followed = 0;
        while next <= LAST_SECTOR && self.table.len() < MOST_SECTORS {
            followed += 1;
            if followed > self.sectors {
                return Err(broken("its table of sectors runs in a loop"));
            }
            let Ok(octets) = self.sector(next) else {
                break;
            };
            let mut entries: Vec<u32> = numbers(&octets).collect();
            next = entries.pop().unwrap_or(NO_ENTRY);
            self.table
                .extend(entries.iter().take_while(|sector| **sector <= LAST_SECTOR));
        }
        Ok(())
    }

    fn read_directory(&mut self, start: u32) -> io::Result<()> {
        let per_sector = usize::try_from(self.sector_size).unwrap_or(512) / ENTRY;
        for sector in self.chain(start, MOST_ENTRIES / per_sector)? {
            let Ok(octets) = self.sector(sector) else {
                break;
            };
            self.entries
                .extend(octets.chunks_exact(ENTRY).map(Entry::read));
        }
        Ok(())
    }

    /// The sectors of a chain, at most `limit` of them.
    fn chain(&mut self, start: u32, limit: usize) -> io::Result<Vec<u32>> {
        let mut chain = Vec::new();
        let mut sector = start;
        while sector <= LAST_SECTOR && chain.len() < limit {
            if chain.len() >= self.sectors {
                return Err(broken("a chain of sectors runs in a loop"));
            }
            chain.push(sector);
            sector = self.following(sector).unwrap_or(NO_ENTRY);
        }
        Ok(chain)
    }

    fn following(&mut self, sector: u32) -> Option<u32> {
        let per_part = self.sector_size / 4;
        let part = usize::try_from(u64::from(sector) / per_part).ok()?;
        let part = *self.table.get(part)?;
        if self.cached.0 != part {
            self.cached = (part, self.sector(part).ok()?);
        }
        let at = usize::try_from(u64::from(sector) % per_part).ok()? * 4;
        let octets = self.cached.1.get(at..at + 4)?;
        Some(u32_at(octets, 0))
    }

    /// The last sector may be shorter.
    fn sector(&mut self, sector: u32) -> io::Result<Vec<u8>> {
        let place = self.place(sector);
        self.file.seek(SeekFrom::Start(place))?;
        let mut octets = Vec::with_capacity(usize::try_from(self.sector_size).unwrap_or(512));
        self.file
            .by_ref()
            .take(self.sector_size)
            .read_to_end(&mut octets)?;
        if octets.is_empty() {
            return Err(broken("it is cut short"));
        }
        Ok(octets)
    }

    fn place(&self, sector: u32) -> u64 {
        (u64::from(sector) + 1) * self.sector_size
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)?.as_ref()
    }
}

impl Entry {
    /// None where the entry is unused (MS-CFB, section 2.6.1).
    fn read(octets: &[u8]) -> Option<Self> {
        let kind = match octets.get(0x42)? {
            1 | 5 => Kind::Storage,
            2 => Kind::Stream,
            _ => return None,
        };
        // The length counts the closing NUL.
        let length = usize::from(u16_at(octets, 0x40)).clamp(2, 64) - 2;
        let units = octets
            .get(..length)?
            .chunks_exact(2)
            .map(|unit| u16_at(unit, 0));
        let name = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        // The high half is undefined where sectors have 512 octets, and no
        // header section needs it.
        let size = u64::from(u32_at(octets, 0x78));
        Some(Self {
            name,
            kind,
            left: u32_at(octets, 0x44),
            right: u32_at(octets, 0x48),
            child: u32_at(octets, 0x4C),
            start: u32_at(octets, 0x74),
            size,
        })
    }
}

fn numbers(octets: &[u8]) -> impl Iterator<Item = u32> + '_ {
    octets.chunks_exact(4).map(|four| u32_at(four, 0))
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    let four = octets.get(at..).and_then(|rest| rest.first_chunk());
    four.map_or(0, |four| u32::from_le_bytes(*four))
}

fn u16_at(octets: &[u8], at: usize) -> u16 {
    let two = octets.get(at..).and_then(|rest| rest.first_chunk());
    two.map_or(0, |two| u16::from_le_bytes(*two))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
