"""Every limit of Clearline, each with its reason (rule 8). Nothing that a peer, a file or a user sends is unbounded."""

from __future__ import annotations

from typing import Final

# --- bytes
ENVELOPE_BYTES_MAX: Final = 1 << 20
"""One signed message: PAYLOAD_BYTES_MAX in base64 with what stands around it."""
PAYLOAD_BYTES_MAX: Final = (768 << 10) - 1_024
"""The signed bytes inside any envelope: three quarters, because base64 adds a third, less what stands around them."""
MESSAGE_BYTES_MAX: Final = 512 << 10
"""The signed bytes of a message on a line: so that a journal message can hold its whole envelope as evidence."""
REQUEST_BYTES_MAX: Final = 8 << 20
"""One HTTP request: a batch of envelopes on the peer door."""
FILE_BYTES_MAX: Final = 256 << 20
"""One input file of `clearline check` or `declare`: a country's airspace is below 20 MB."""
JSON_DEPTH_MAX: Final = 32
"""Nesting of any JSON read; the deepest lawful message has 9 levels."""

# --- shapes
OUTLINE_VERTICES_MAX: Final = 10_000
"""Per outline: the largest found in published national airspace has 8,356. The crossing check is quadratic."""
VERTICES_MAX: Final = 500
"""Per volume of a notice on a line, which everybody there compares with all they hold: a flight needs far fewer."""
VERTICES_PER_NOTICE_MAX: Final = 8_000
"""Over all volumes of a notice: keeps the message within MESSAGE_BYTES_MAX (45 bytes a vertex)."""
VOLUMES_MAX: Final = 64
"""Per notice. A flight of 8 h in timed segments of 8 min needs 60."""
RADIUS_M_MAX: Final = 500_000.0
"""Circle radius and corridor half width: larger ones are regions to be drawn as outlines."""
EDGE_DEGREES_MAX: Final = 90.0
"""One edge, as angle at the centre of the earth: beyond it the shorter way round is easily not the one meant."""
CAP_DEGREES_MAX: Final = 80.0
"""Angular radius of the cap around a whole outline with its buffer: the kernel's inside test needs less than 90."""

# --- numbers
ALTITUDE_M_MIN: Final = -1_000.0
"""Below every dry place on earth (-430 m) and the geoid's deepest dent (-107 m)."""
ALTITUDE_M_MAX: Final = 100_000.0
"""The Karman line: above it this is not airspace."""
FLIGHT_LEVEL_MAX: Final = 999.0
"""Three digits, as spoken and as filed."""
PRIORITY_MAX: Final = 100
"""F3548 gives priority as a whole number; regulators in the field use 0 to 100."""
VERSION_MAX: Final = 1_000_000
"""Changes to one notice; one a second for eleven days."""
SEQUENCE_MAX: Final = 1 << 53
"""Places in a chain: the largest whole number every JSON reader keeps exact."""

# --- time
TIME_MS_MIN: Final = 0
"""1970: sample data of past skies must be readable."""
TIME_MS_MAX: Final = 4_102_444_800_000
"""2100-01-01: a later year is a unit mistake (microseconds, nanoseconds)."""
WINDOW_MS_MAX: Final = 366 * 86_400_000
"""One volume's window: a year, for standing areas."""
REQUEST_AGE_MS_MAX: Final = 900_000
"""Signed requests outside +-15 min of the receiver's clock are refused: two clocks each 5 min wrong still talk."""
CLOCK_SKEW_MS_MAX: Final = 5_000
"""A peer's clock further off than this is shown as an alarm; its messages are taken all the same (R14)."""

# --- line
PARTIES_PER_LINE_MAX: Final = 16
LINES_MAX: Final = 64
NOTICES_PER_LINE_MAX: Final = 2_000_000
"""Held per line in memory: one million sky volumes take about 1.3 GB."""
FINDINGS_PER_RECEIPT_MAX: Final = 256
"""Listed in one receipt item. The rest is told in CONFLICT messages, so that a notice over a whole country
cannot make a receipt that its sender refuses for its size."""
FINDINGS_PER_NOTICE_MAX: Final = 4_096
"""A notice that meets more is refused with OVER_LIMIT: it must be cut up to be of use to anybody."""
RECEIPT_ITEMS_MAX: Final = 256
"""Messages answered by one receipt."""
KNOWN_VERSIONS_MAX: Final = 1_024
"""Notices named as known in one declaration (R35)."""

# --- node
BATCH_ENTRIES_MAX: Final = 512
"""Entries in one durable append: bounds the time for which one commit holds the writer."""
DELIVERY_ENVELOPES_MAX: Final = 128
"""Envelopes in one POST to a peer."""
DELIVERY_BYTES_MAX: Final = 4 << 20
"""Bytes in one POST to a peer; half of what a request may be."""
COMMANDS_QUEUED_MAX: Final = 4_096
"""Commands waiting for the writer; beyond it the door answers OVERLOADED at once rather than late."""
EVENT_STREAMS_MAX: Final = 256
"""Open event streams at one node."""
RETRY_MS_FIRST: Final = 250
"""First wait after a failed delivery."""
RETRY_MS_MAX: Final = 15_000
"""Longest wait between tries: a line that is mended is used within 15 s (practice.md level 0)."""
FRUITLESS_EXCHANGES_MAX: Final = 3
"""Exchanges without a wait that bring nothing forward: one to hear how far the peer is, one to send, one to spare."""
PEER_TIMEOUT_MS: Final = 10_000
"""One request to a peer."""
PULL_INTERVAL_MS: Final = 5_000
"""How often a node asks each peer for what it may have missed (one-way walls)."""
SNAPSHOT_ENTRIES: Final = 5_000
"""Entries after which an idle node keeps a snapshot: replaying them takes about a second."""
SNAPSHOT_ENTRIES_LATEST: Final = 250_000
"""Entries after which a busy one does, although it holds up the writer for some seconds."""
SNAPSHOT_IDLE_MS: Final = 5_000
"""Without a write for this long, a node counts as idle."""
PAGE_ENTRIES_MAX: Final = 1_000
"""Entries in one page of the log door."""

# --- store
STORE_NAME_CHARACTERS_MAX: Final = 128
"""Partition, holder and request id: a digest is 64, two UUIDs are 73; short keys keep the index small."""
STORE_ENTRY_BYTES_MAX: Final = ENVELOPE_BYTES_MAX + 1_024
"""One entry: the largest envelope and what the log writes before it."""
STORE_SNAPSHOT_BYTES_MAX: Final = 256 << 20
"""One snapshot. It holds the writer while it is written: about a second for each 100 MB."""
STORE_SNAPSHOTS_KEPT: Final = 2
"""The newest, and the one before in case the newest is damaged."""
STORE_READ_ENTRIES_MAX: Final = 10_000
"""Entries in one page of a read."""
STORE_READ_BYTES_MAX: Final = 16 << 20
"""Bytes in one page of a read (and one entry more): bounds memory and the time for which a read holds the store."""
STORE_CHECK_BYTES_MAX: Final = 32 << 20
"""Stores up to this size are checked page by page when opened (about 0.1 s); larger ones by `verify` on demand."""
STORE_TAIL_ENTRIES: Final = 64
"""Entries at each partition's end whose checksum is tested at every opening: what a cut would have touched last."""
STORE_JOURNAL_PAGES: Final = 4_096
"""Pages of 4 KiB in the write-ahead log before it is folded back: 16 MiB, read again in 0.1 s after a crash."""
STORE_JOURNAL_BYTES_KEPT: Final = 64 << 20
"""The write-ahead log's file is cut to this after a large snapshot went through it."""
STORE_JOURNAL_BYTES_MAX: Final = 1 << 30
"""A write-ahead log of this size means that it cannot be folded back: appends are refused until it can."""

# --- bundles
BUNDLE_ENTRIES_MAX: Final = 20_000_000
"""Entries in one bundle: verification keeps some 150 bytes of hashes and places for each, 3 GB in all."""
BUNDLE_LINE_BYTES_MAX: Final = ENVELOPE_BYTES_MAX + 256
"""One line: an envelope with its index, time and leaf hash. A longer one is not read to its end."""
PROBLEMS_LISTED_MAX: Final = 100
"""Problems listed in a report; the rest are counted. Whoever damages more has shown enough."""
PROBLEM_CHARACTERS_MAX: Final = 300
"""One problem in one line of a terminal that wraps twice."""

# --- files of other programs
XML_BYTES_MAX: Final = 64 << 20
"""One XML document, unpacked: a country's airspace as KML is below 20 MB. The parser looks at a piece that does not end
once for each further megabyte: at this size for some seconds at worst."""
XML_DEPTH_MAX: Final = 64
"""Nesting of elements: a polygon in a placemark takes 6, folders in folders the rest."""
XML_ELEMENTS_MAX: Final = 250_000
"""Elements of one record: a track of TRAJECTORY_POINTS_MAX with time, place and angles at each."""
XML_TEXT_CHARACTERS_MAX: Final = 1 << 20
"""Text of one element: 10,000 vertices take 600,000; a description with a picture in it is passed over."""
PLACEMARKS_MAX: Final = 200_000
"""Records of one KML: a whole country's obstacles; about six seconds."""
KMZ_MEMBERS_MAX: Final = 10_000
"""Files in one KMZ: a map and its pictures."""
KMZ_RATIO_MAX: Final = 200
"""How much smaller a KML may be packed than it is: coordinates shrink to a tenth, the same line repeated to a 100th."""
CSV_ROWS_MAX: Final = 2_000_000
"""Lines of one file of tracks: 500 aircraft at one a second for an hour; about 1 GB while it is read."""
CSV_FLIGHTS_MAX: Final = 100_000
"""Tracks of one file: the flights of a day over the whole earth."""
CSV_LINE_BYTES_MAX: Final = 65_536
"""One line: what is longer has lost its line ends."""
CSV_COLUMNS_MAX: Final = 256
"""Columns named in the first line."""
ROWS_LISTED_MAX: Final = 1_000
"""Bad rows of one file that are listed; the rest are counted."""
TRACK_GAP_MS_MAX: Final = 600_000
"""A track without a position for longer is cut in parts: what was flown in between is not known. Ten minutes is what
radar coverage leaves out between two mountains, and too short for another flight of the same aircraft."""

# --- sky
TRAJECTORY_POINTS_MAX: Final = 50_000
"""Fourteen hours at one a second. A pair of volumes is named by two numbers below 65,536."""
TRAJECTORY_SPEED_M_S_MAX: Final = 20_000.0
"""Nothing that comes back to earth is as fast (escape: 11,200 m/s): a faster leg is a wrong time or place."""
PIECE_M_MAX: Final = 5_000.0
"""Longer legs are cut: at 5 km a piece departs from even motion along its geodesic by at most 5 mm (sky.trajectory)."""
PIECES_MAX: Final = 65_535
"""Pieces of one trajectory, after cutting: a pair of volumes is named by two numbers below 65,536."""
ZONE_VOLUMES_MAX: Final = 256
"""Parts of one published zone; the largest found in files of national airspace has 31."""
ZONE_WINDOWS_MAX: Final = 1_024
"""Activations of one zone: three a day for a year."""
ZONE_LINES_MAX: Final = 20_000
"""Lines of one zone in a file of lines: twice what the largest outline takes, a year of activations included."""
EDGE_SPLIT_M: Final = 5_000.0
"""Longer edges are split along the WGS84 geodesic: at 5 km a piece departs from it by at most 1.7 mm (sky.geodesy)."""
SPLIT_VERTICES_MAX: Final = 50_000
"""Vertices of one notice after splitting: a notice of 8,000 vertices, and 200,000 km of long edges besides. Bounds
the time of one comparison to a fraction of a second."""
RING_VERTICES_MAX: Final = 20_000
"""Vertices of one ring after splitting: the largest published, and 50,000 km of long edges besides. The worst ring
found of this size, with arms that lie in each other, takes 0.9 s to check, one of OUTLINE_VERTICES_MAX 0.6 s."""
VERTICES_APART_M_MIN: Final = 0.001
"""Neighbouring vertices closer than this are one place; edges that are not neighbours and come closer touch."""

# --- writer
BATCH_REQUESTS_MAX: Final = 128
"""Requests worked out together: bounds how long the first of them waits for the last."""
BATCH_ENTRIES_SPARE: Final = 160
"""Places of a batch kept for what the node owes in return: receipts and findings of the other entries."""
STORE_RETRY_MS: Final = 2_000
"""After a failed write nothing is tried for this long: the state has to be read again each time."""
RECENT_ENTRIES_MAX: Final = 8_192
"""Entries kept in memory behind the head: what peers and event streams usually ask for."""

# --- doors
TOKENS_MAX: Final = 256
"""Tokens of one node: roles times watch positions and programs, not persons (R1)."""
PEER_PATHS_MAX: Final = 4
"""Addresses of one peer: two independent paths (R11), and two spare ones while one is moved."""
SESSIONS_MAX: Final = 1_024
"""Open console sessions; the oldest gives way."""
SESSION_MS_MAX: Final = 12 * 3_600_000
"""A console session: one watch with its handover, and no longer."""
COMMAND_BYTES_MAX: Final = 2 << 20
"""One request at the party's own door: a notice of 8,000 vertices has 400 kB, written with white space about 1 MB."""
QUERY_BYTES_MAX: Final = 2_048
"""The part of an address after the question mark."""
HEAD_BYTES_MAX: Final = 16 << 10
"""Request line and headers."""
HEAD_TIMEOUT_MS: Final = 10_000
"""From the first byte of a connection, or of a request, to the end of its headers."""
BODY_TIMEOUT_MS: Final = 20_000
"""From the end of the headers to the end of the body: 8 MB at 3.3 Mbit/s."""
BODY_EARLY_BYTES: Final = 64 << 10
"""Taken from a peer before its signature is looked at: times CONNECTIONS_MAX, this bounds what strangers can occupy.
The signed first line of an exchange has some 4 kB."""
DRAIN_BYTES_MAX: Final = 16 << 20
"""Read and thrown away of a body that was refused unread, so that its sender still gets the answer."""
DRAIN_TIMEOUT_MS: Final = 1_000
"""And for how long."""
SEND_TIMEOUT_MS: Final = 15_000
"""A stream's reader that takes nothing for so long is cut off; it resumes where it was."""
CONNECTIONS_MAX: Final = 1_024
"""Open connections; file descriptors are usually limited to 1,024 and more."""
EVENT_STATUS_MS: Final = 2_000
"""How often an event stream tells the state of the lines, and thereby that it lives."""
EVENT_STATUS_MS_MIN: Final = 250
"""And how often at most, while entries come."""
EVENT_ENTRIES: Final = 64
"""Entries read for an event stream at a time: bounds how long one late reader holds the loop."""
EXPORTS_MAX: Final = 2
"""Exports running at once: each reads the whole log."""
PICTURE_NOTICES_MAX: Final = 5_000
"""Notices in one picture: what a page can still show. The last changed come first; the rest is counted."""
PICTURE_FINDINGS_MAX: Final = 5_000
"""Findings in one picture, alike."""
MEETINGS_KEPT: Final = 8_192
"""Meetings worked out for views and kept: 2 kB each."""
VIEWS_AT_ONCE: Final = 100
"""Views made before others get their turn: about 3 ms, in which the writer waits."""
LINK_QUIET_MS_MAX: Final = 3 * PULL_INTERVAL_MS
"""A peer not heard for so long is shown as DEGRADED (R10): it lets three rounds pass."""
CLOCK_BACK_MS_MAX: Final = 10_000
"""A clock set back by no more is waited for, so that times in a log do not go back; further back they do, and
verification names the place (TIME_ORDER): a record with a wrong time must not look right."""
