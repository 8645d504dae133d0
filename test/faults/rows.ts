/**
 * The fault matrix: what is promised, how it is tried to break, how often. A row has one test (`fault(id, ...)` in a file of this folder), whose
 * counts stand in test/output/faults afterwards; docs/reliability.md says what they mean.
 */
export interface Row {
  /** What holds whatever happens. */
  promise: string;
  /** What one try does. */
  how: string;
  /** Tries in plain `npm test`, and with --whole. `every`: as many as there are places to try. */
  minute: number;
  whole: number | 'every';
  /** What is switched off for the control, whose tries must break the promise: without it a row that holds would mean nothing. */
  control: string;
}

export const ROWS = {
  D1: {
    promise: 'kill -9 loses no step that was told of, and leaves a run that goes on to the same end',
    how: 'a process that trains is killed before or after one of its calls that write',
    minute: 5,
    whole: 300,
    control: 'steps are told before they are committed',
  },
  D2: {
    promise: 'kill -9 of any process of a run loses no step that was told of, and the run goes on to the same bits',
    how: 'twice a run, at some moment: the process that trains, one of its ranks, the backend, what JupyterLab supervises it with, or all of them',
    minute: 1,
    whole: 24,
    control: "the optimiser's moments are not brought back",
  },
  D3: {
    promise: 'a power cut loses no run and no step that was told of, and leaves a run that goes on to the same end',
    how: 'the power of a file system (ext4 in a file) goes while a run is made and trained on it',
    minute: 3,
    whole: 120,
    control: 'fsync does nothing and says that it did',
  },
  D4: {
    promise: 'a disk that refuses a write loses no step that was told of; the error is named, and the run goes on to the same end',
    how: 'one call that writes fails with EIO or ENOSPC, or all from one on with EIO',
    minute: 4,
    whole: 300,
    control: 'a write is dropped, and the disk says that it was made',
  },
  D5: {
    promise: 'a checkpoint that is damaged is passed over for the one before it',
    how: 'a bit of one of its files flips, or the file is cut off, or it is gone',
    minute: 15,
    whole: 1000,
    control: 'the manifest holds the digests of the damaged files',
  },
  D6: {
    promise: "a page of a run's database that is not what was written is found, or holds nothing that anyone reads",
    how: 'a bit of one page flips, or the page is zeros, or another page, or what it was three steps ago; each page ten times',
    minute: 12,
    whole: 'every',
    control: 'the run has no digests: SQLite alone looks',
  },
  D7: {
    promise: "a run's database without the journal that it had is found, or nothing of it was lost",
    how: 'the journal of a run whose process was killed is gone, empty, cut off or full of zeros, or a bit of it flips',
    minute: 12,
    whole: 1000,
    control: 'the run has no note of its last step',
  },
  D9: {
    promise: 'the same as D2 of a pair of runs whose rewards a kernel evaluates: each has the bits of a run alone that nobody disturbed',
    how: 'the runs have one process or two; the worker of one of them, the backend, all of JupyterLab or the kernel is killed at some moment',
    minute: 1,
    whole: 40,
    control: 'the function gives other values once its kernel was restarted',
  },
  K1: {
    promise:
      'kill -9 of a command or the server while it changes a home leaves what was before or what is after, and the change can be made again',
    how: 'a process is killed before or after one of its calls that write while it adds, renames, removes or puts back runs, data sets and evaluations, forks, rolls back, rescues, verifies, imports, or indexes for searches',
    minute: 4,
    whole: 600,
    control: 'folders come under their names file by file',
  },
  E1: {
    promise: 'an export that is killed leaves nothing under its name, or all of it',
    how: 'the process of `medr1 runs export --format dir` is killed before or after one of its calls that write',
    minute: 2,
    whole: 'every',
    control: 'the files are written under their own names',
  },
  E2: {
    promise: 'an export that was told as written is whole after a power cut',
    how: 'the power of a file system (ext4 in a file) goes once the export was written on it',
    minute: 1,
    whole: 40,
    control: 'fsync does nothing and says that it did',
  },
  E3: {
    promise: 'an export that the disk refuses leaves nothing under its name, or all of it, and says that it was the disk',
    how: 'one call that writes of `medr1 runs export --format dir` fails with EIO or ENOSPC, or all from one on with EIO',
    minute: 2,
    whole: 'every',
    control: 'the files are written under their own names',
  },
  V1: {
    promise:
      'a disk that refuses a write of an evaluation loses no answer that was told of; the error is named, and it goes on to the same answers',
    how: 'one call that writes fails with EIO or ENOSPC, or all from one on with EIO',
    minute: 3,
    whole: 'every',
    control: 'a write is dropped, and the disk says that it was made',
  },
  D8: {
    promise:
      'a process of a run that is killed, or that stands still, ends the run by name on all of them, leaves none behind, and the run goes on to the same bits',
    how: 'of two or four processes any one is killed or stopped for longer than ddp_timeout, at some moment from its start on',
    minute: 1,
    whole: 40,
    control: "the optimiser's moments are not brought back",
  },
  R1: {
    promise: 'a run that goes on from a checkpoint comes to the bits of one that was never stopped',
    how: 'a run with three updates on each batch goes on from the checkpoint of one of its steps',
    minute: 2,
    whole: 'every',
    control: "the optimiser's moments are not brought back",
  },
  R2: {
    promise: 'the same configuration trains the same run, bit for bit',
    how: 'it is trained once more, in another home, by a backend, in one process or two',
    minute: 1,
    whole: 9,
    control: 'the configuration has another seed',
  },
  R3: {
    promise: 'rewards of a run can be scored anew from what it holds, whatever edits it had: the same values, bit for bit',
    how: 'a run of 20 steps with some 20 edits of functions and weights, which goes back now and then',
    minute: 1,
    whole: 20,
    control: 'each step is scored by the revision before the one in force',
  },
  T1: {
    promise: 'a wall clock that jumps, in any time zone, changes nothing of a run but the times that it notes',
    how: 'the clock jumps by up to a year, to 1970 and to the end of summer time while a run trains',
    minute: 2,
    whole: 40,
    control: 'the log is read in the order of its times, not of its numbers',
  },
  L1: {
    promise: 'a step costs after a night what it cost at its beginning: memory, descriptors, database',
    how: 'a run of 200,000 steps without a model (in the minute 1,200)',
    minute: 1,
    whole: 1,
    control: 'each of 1,200 steps leaves 200 kB behind, and each eighth a descriptor',
  },
  C1: {
    promise: 'whatever clients do at the same time, no request breaks the server, and nothing that was answered is lost',
    how: 'four clients roll back, delete, put back, fork, start, pause, stop, rename, tag and note runs, with request ids used again; some order of it explains every answer and what is found',
    minute: 10,
    whole: 1000,
    control: 'what is noted of runs is answered and not written',
  },
  W1: {
    promise:
      'whatever bytes come, the server lives, grows by less than 50 MB and answers others; no request is answered with an error of its own making',
    how: '30 at once of: bytes, heads of HTTP, frames, messages and requests of which a part is another thing than it should be',
    minute: 6,
    whole: 600,
    control: 'a server that believes what comes',
  },
  W5: {
    promise: 'sixty connections that flood cost the server less than 32 MB, and others get their answers',
    how: '60 connections send messages, subscriptions or pings without end and read nothing',
    minute: 1,
    whole: 40,
    control: 'no limits of what a connection may send and have waiting',
  },
  W4: {
    promise: 'sixty connections that ask and do not read cost the server less than 32 MB, and others get their answers',
    how: '60 connections follow a run with entries of 64 kB and read nothing or little, come back twice a second, or take no answer of those that they asked for',
    minute: 1,
    whole: 60,
    control: 'nothing waits until what was sent before is taken',
  },
  W9: {
    promise:
      'sixty connections whose answers or bodies are as long as they may be cost the server less than 32 MB, and others get their answers',
    how: '60 connections ask for groups, tables, metrics or evaluations of some 10 MB and take them or do not, or send bodies of 4 MB: of text, of lists, of lists in lists, of keys, of YAML',
    minute: 1,
    whole: 120,
    control: 'each answer is made whole',
  },
  W10: {
    promise: 'whatever comes over a websocket through Jupyter, it and the backend live, grow by less than 50 MB each and answer others',
    how: '30 connections at once through the relay, with frames or messages of which a part is another thing than it should be',
    minute: 2,
    whole: 100,
    control: 'a relay that passes on whatever comes, and a backend that believes it',
  },
  W2: {
    promise: 'nobody gets past the gate of the backend without its secret, from a web page, or by another name of the machine',
    how: 'a random route or the websocket, with a secret, scheme, origin or host that is nearly right',
    minute: 60,
    whole: 5000,
    control: 'a relay before it signs whoever comes',
  },
  W7: {
    promise: 'a client that floods through Jupyter costs it and the backend less than 64 MB, and others get their answers',
    how: '20 connections through the relay send messages, subscriptions or pings without end and read nothing',
    minute: 1,
    whole: 20,
    control: 'a relay that passes on without waiting, and a backend without limits',
  },
  W8: {
    promise: 'who follows a run through Jupyter sees each event once and in order where messages are lost, doubled, late or out of order',
    how: 'half of the events between the relay and the client come in another way than they were sent',
    minute: 2,
    whole: 200,
    control: 'a client that keeps all that it is told',
  },
  I1: {
    promise: 'an image that cannot be used is refused by row, file and reason, and the others train',
    how: 'images that are cut off, of flipped bits, of too many pixels, of another kind; pipes, folders, devices and links in their place: 24 records',
    minute: 1,
    whole: 250,
    control: 'whatever pixels a decoder gives are taken',
  },
  I2: {
    promise:
      'a record that cannot be used costs that record alone, is told with its row and reason, and no image path leads out of the data set',
    how: '40 records, each broken or odd in one of 32 ways',
    minute: 2,
    whole: 250,
    control: 'the paths of images are taken as they stand',
  },
  I4: {
    promise: 'an index whose process is killed is the one of before or the one of after, and is gone on with to the same end',
    how: 'a data set that changed is indexed, and the process is killed before or after one of its calls that write',
    minute: 2,
    whole: 'every',
    control: 'each statement stands by itself',
  },
  I5: {
    promise:
      'an index that the disk refuses is the one of before or the one of after, says that it was the disk, and is gone on with to the same end',
    how: 'a data set that changed is indexed, and one call that writes fails with EIO or ENOSPC, or all from one on with EIO',
    minute: 3,
    whole: 'every',
    control: 'each statement stands by itself',
  },
  I3: {
    promise: 'an archive is unpacked into its folder, or refused by name',
    how: 'names that lead out of the folder, links, devices, sizes and checksums that lie, a bit that is changed',
    minute: 50,
    whole: 20_000,
    control: 'the names of an archive are taken as they stand',
  },
  S1: {
    promise: 'a reward that never ends, or wants all memory, is a failure, and the next one is scored',
    how: 'loops, promises, expressions, getters, proxies and texts without end, caught and gone on with',
    minute: 3,
    whole: 500,
    control: 'no limits of time and memory',
  },
  S2: {
    promise: 'a reward function reaches nothing of the machine or of the process around it, and changes nothing there',
    how: 'names, constructors, stacks, prototypes and global objects, by themselves, in eval, in Function, in a callback, in a proxy',
    minute: 10,
    whole: 500,
    control: 'the function runs in a context of the same process',
  },
  X1: {
    promise: 'text of a run is text in every view: no script runs, no element is made, no other host is asked, no command is called',
    how: 'each text of a run is one of 18 that do something where they are taken for markup; seven views in Chromium show it',
    minute: 1,
    whole: 30,
    control: 'the texts of the page are taken for markup',
  },
  U1: {
    promise: 'another user of the machine reads nothing of a home and reaches no backend',
    how: 'user 65534 walks the home and connects to its socket',
    minute: 1,
    whole: 10,
    control: 'the home is open to all',
  },
  W3: {
    promise: 'who follows a run sees each event once and in order, whatever becomes of its connections to the backend',
    how: 'a network that delays, splits and breaks off lies between them while the run grows',
    minute: 3,
    whole: 500,
    control: 'a client that begins anew after each break and keeps all that it is told',
  },
  W6: {
    promise: 'the same through Jupyter',
    how: 'the network lies between a page and the relay',
    minute: 1,
    whole: 200,
    control: 'as for W3',
  },
} satisfies Record<string, Row>;

export type RowId = keyof typeof ROWS;
