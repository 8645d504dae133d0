/** Every failure of runs, workers and the server: one constructor per case, so that code, status and remedy stand side by side. */
import { reasonOf } from '../files/reason.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { Unanswered } from '../protocol/kernels.ts';

const make =
  (code: string, http: number, exit: 1 | 2 = 1) =>
  (message: string, remedy: string, cause?: unknown): WorkbenchError =>
    new WorkbenchError({ code, http, exit, message, remedy, cause });

const badConfig = make('CONFIG_INVALID', 422, 2);
const badRequest = make('REQUEST_INVALID', 400, 2);
const conflict = make('RUN_CONFLICT', 409);

/** What says more of a command, of an option of one, or of a route. */
const whereToRead = (where: string): string =>
  where.startsWith('medr1 ')
    ? `${where} --help says what it takes.`
    : where.startsWith('--')
      ? 'The command with --help says what it takes.'
      : 'docs/api.md says what this route takes.';

export const errors = {
  /** Several at once, each with what to write instead. `count`: how many there are. */
  unknownKeys: (found: { key: string; instead: string | undefined }[], count: number) => {
    const one = count === 1;
    const more = count > found.length ? ` and ${count - found.length} more` : '';
    const names = found.map(({ key }) => preview(key)).join(', ') + more;
    const told = found.flatMap(({ key, instead }) => (instead === undefined ? [] : [one ? instead : `${key}: ${instead}`]));
    const rest = told.length < found.length ? ['GET /schema or docs/config.md lists every key.'] : [];
    return make(
      'CONFIG_UNKNOWN_KEY',
      422,
      2,
    )(
      one ? `The configuration has a key ${names} that is not known.` : `The configuration has keys that are not known: ${names}.`,
      [...told, ...rest].join(one ? ' ' : '\n'),
    );
  },
  badValue: (key: string, seen: unknown, wanted: string) =>
    badConfig(`The configuration's ${key} is ${preview(seen)}; it ${wanted}.`, `Give ${key} a value as docs/config.md describes it.`),
  badWhole: (seen: unknown) =>
    badConfig(
      `The configuration is ${preview(seen)}; it must be keys with values.`,
      'Write a line `key: value` for each; docs/config.md has the keys.',
    ),
  keptByFork: (key: string, seen: unknown, parents: unknown) =>
    badConfig(
      `The configuration's ${key} is ${preview(seen)}; it cannot differ from that of the run that is forked (${preview(parents)}), whose weights and optimiser state the fork goes on with.`,
      `Leave ${key} out. A new run can begin with the weights alone: give it the folder of the checkpoint as model_name_or_path.`,
    ),
  missingKey: (key: string) => badConfig(`The configuration lacks ${key}.`, `Add ${key}; docs/config.md describes it.`),
  noDevice: (device: string, there: readonly string[]) =>
    make('DEVICE_MISSING', 422)(
      `There is no device ${device} here; there ${there.length === 1 ? 'is' : 'are'} ${there.join(', ')}.`,
      'Set device to auto or to one of them. GPUs are counted from 0 among those that CUDA_VISIBLE_DEVICES leaves.',
    ),
  tooFewDevices: (wanted: number, device: string, there: readonly string[]) =>
    make('DEVICES_TOO_FEW', 422)(
      `The run takes ${wanted} devices, and with device ${device} it can have ${there.length} (${there.join(', ')}).`,
      `Set devices to ${there.length} or less.`,
    ),
  fitsNowhere: (needs: number, most: number, there: readonly string[]) =>
    make('FITS_NOWHERE', 422)(
      `About ${(needs / 2 ** 30).toFixed(1)} GiB are needed, and no device that it may have (${there.join(', ')}) has more than ${(most / 2 ** 30).toFixed(1)} GiB.`,
      'The estimate in the New run form names what saves memory: LoRA, 8-bit moments, gradient checkpointing, bfloat16, smaller batches.',
    ),
  noRoomToAnswer: (why: string) =>
    make('GENERATE_NO_DEVICE', 503)(
      `No device has room for the model that should answer: it ${why}.`,
      'Ask again when other jobs have ended, or ask the run that trains: its own process answers.',
    ),
  badFile: (file: string, cause: unknown) =>
    make('CONFIG_UNREADABLE', 422, 2)(
      `${file} cannot be read as YAML: ${text(cause)}`,
      'Check the path and the syntax of the file.',
      cause,
    ),
  modelMissing: (path: string, lacks: string) =>
    make('MODEL_MISSING', 422)(
      `The model directory ${path} ${lacks}.`,
      'Name a directory with config.json and *.safetensors, for example a download of Qwen/Qwen2-VL-2B-Instruct.',
    ),
  modelUnreadable: (path: string, what: string, cause?: unknown) =>
    make('MODEL_INVALID', 422)(
      `${path} is not a model directory: ${what}`,
      'Give a Hugging Face directory with config.json and model.safetensors (or its shards).',
      cause,
    ),
  tokenizerMissing: (file: string) =>
    make('TOKENIZER_MISSING', 404)(
      `${file} is missing, so the tokens that this run stored cannot be shown as text.`,
      'Put the model directory back where it was when the run began.',
    ),
  tokenizerUnreadable: (file: string, cause: unknown) =>
    make('TOKENIZER_UNREADABLE', 422)(`${file} cannot be used: ${text(cause)}`, 'Put the tokenizer.json of the model back.', cause),
  settingFixed: (key: string, why: string, runId: string, step: number | null) =>
    make('SETTING_FIXED', 422)(
      `${key} of run ${runId} cannot be changed while it trains: ${why}.`,
      step === null
        ? `Start a run with another ${key}, or fork a checkpoint of this one once it has any.`
        : `Fork it: medr1 runs fork ${runId} ${step} --set ${key}=VALUE, run.fork(${step}, ${key}=VALUE), or Fork in the Runs panel.`,
    ),
  noRevision: (revision: number, last: number) =>
    make('REQUEST_INVALID', 400, 2)(`There is no revision ${revision}; the newest is ${last}.`, 'medr1 runs show RUN lists the revisions.'),
  unchangedRewards: (revision: number) =>
    make('REWARDS_UNCHANGED', 422)(
      `The edit changes nothing: rewards and settings are the same as in revision ${revision}.`,
      'Change a weight, a parameter, a function or a setting.',
    ),
  noItems: (name: string) =>
    make('DATA_EMPTY', 422)(`The data set ${name} has no usable question under these filters.`, `medr1 data audit ${name} says why.`),

  dataChanged: (name: string) =>
    make('DATA_CHANGED', 422)(
      `The data set ${name} is no longer the one this run began with.`,
      'Put the data back as it was, or start a new run on the data as it is.',
    ),

  evalDataChanged: (split: string) =>
    make('EVAL_SPLIT_CHANGED', 422)(
      `The questions of ${split} changed after this run was first evaluated on them. The run goes on training without evaluations.`,
      'Put the old data back and resume, or evaluate the checkpoints of the run on the new data (medr1 eval).',
    ),

  /** An alert, once each time that it begins. */
  kernelSkipped: (name: string, step: unknown, { unanswered, waited_s }: Unanswered) =>
    make('REWARD_SKIPPED', 422)(
      `Reward ${name} counts as not applicable from step ${String(step)} on: its kernel is ${unanswered === 'slow' ? 'there, and the function still at work,' : unanswered} after ${waited_s} s.`,
      'It counts again as soon as values come in time.',
    ),

  badRequest: (where: string, what: string) => badRequest(`${where}: ${what}${what.endsWith('?') ? '' : '.'}`, whereToRead(where)),
  explainOrder: (order: readonly number[], places: readonly number[]) =>
    make(
      'EXPLAIN_ORDER',
      422,
      2,
    )(
      `The order ${order.join(',')} does not name each option once; the question has the options ${places.join(', ')}.`,
      `Name all of them by their places, for example ${places.toReversed().join(',')}.`,
    ),
  notJson: (cause: unknown) => badRequest('The body is not JSON.', 'Send a JSON object with content-type application/json.', cause),
  noRoute: (method: string, path: string) =>
    make('ROUTE_UNKNOWN', 404)(
      `There is no route ${method} ${path}.`,
      'docs/api.md lists the routes; a newer page may need a newer backend.',
    ),
  tooLarge: (most: number) => make('REQUEST_TOO_LARGE', 413)(`The body is larger than ${most >> 20} MiB.`, 'Send less at once.'),
  tooManyValues: () => make('REQUEST_TOO_LARGE', 413)('The body holds more values than any request has a use for.', 'Send less at once.'),
  lengthRequired: () =>
    make('LENGTH_REQUIRED', 411)('The body comes without its length.', 'Send it with a content-length header, not in chunks.'),
  unauthorized: () =>
    make('AUTH_REFUSED', 401)('The secret is missing or wrong.', 'Send "Authorization: Bearer <secret>" with the secret of server.json.'),
  badHost: (host: string) =>
    make('HOST_REFUSED', 403)(`The Host header ${preview(host)} is not this machine.`, 'Connect to 127.0.0.1 or to the unix socket.'),
  badOrigin: () =>
    make('ORIGIN_REFUSED', 403)(
      'Requests from web pages are refused on the private port.',
      "Go through JupyterLab's relay at <base>/medr1/api/.",
    ),
  busy: () => make('TOO_MANY_CONNECTIONS', 503)('Too many websockets are open.', 'Close some pages or notebooks.'),

  runUnknown: (id: string) => make('RUN_UNKNOWN', 404)(`There is no run ${preview(id)}.`, 'medr1 runs list shows the runs.'),
  runDamaged: (dir: string, cause: unknown) =>
    make('RUN_DAMAGED', 500)(
      `The run database in ${dir} cannot be read: ${text(cause)}`,
      'Copy the directory, then try `sqlite3 run.db .recover`; the checkpoints beside it are separate files and stay usable.',
      cause,
    ),
  /** `good`: the last step that holds; `from`: the newest checkpoint up to there. */
  rowsDamaged: (seen: {
    id: string;
    structure: string | null;
    damage: { step: number; what: string } | null;
    last: number;
    good: number;
    from: number | null;
    /** What to do before anything else. */
    first?: string;
  }) => {
    const { id, structure, damage, last, good, from, first = '' } = seen;
    const where = damage === null || damage.step === 0 ? '' : damage.step > last ? ` after step ${last}` : ` at step ${damage.step}`;
    const what = [damage?.what, structure === null ? undefined : `SQLite says: ${structure}`].filter(Boolean).join('; ');
    const holds = damage?.step === 0 ? 'Nothing of it can be relied on.' : good === 0 ? 'No step before it.' : `Steps 1 to ${good} hold.`;
    const back = `\`medr1 runs rollback ${id} ${from}\` takes it back to its checkpoint of step ${from}, \`medr1 runs fork ${id} ${from}\` makes a new run from there.`;
    const rescue = damage?.step !== 0 && good > 0 ? ` \`medr1 runs rescue ${id}\` makes a run of all steps that hold.` : '';
    const anew = `No checkpoint is older: train anew by its config.yaml. \`medr1 runs export ${id} OUT\` writes what can still be read.`;
    return make('RUN_DAMAGED', 500)(
      `Run ${id} is damaged${where}: ${what}. ${holds}`,
      `${first} ${from === null ? anew : structure === null ? back : ''}${rescue}`.trim(),
    );
  },
  nothingToRescue: (id: string, why: string) =>
    make('RUN_DAMAGED', 500)(
      `Nothing of run ${id} can be rescued: ${why}.`,
      `Train anew by its config.yaml. \`medr1 runs export ${id} OUT\` writes what can still be read.`,
    ),
  notDamaged: (id: string) =>
    conflict(
      `Run ${id} holds what was written: there is nothing to rescue.`,
      `\`medr1 runs fork ${id} STEP\` makes a new run from a checkpoint.`,
    ),
  runFormat: (dir: string, seen: number, known: number) =>
    make('RUN_FORMAT', 500)(
      `The run database in ${dir} has format ${seen}; this version reads ${known}.`,
      seen > known ? 'Update Med-R1 Workbench.' : 'Open it with the version that made it and export it.',
    ),
  requestUsed: () =>
    make('REQUEST_ID_USED', 409)('This request_id was used for another request.', 'Send a new request_id with each new request.'),
  runLocked: (id: string, pid: number | null = null) =>
    conflict(
      `Run ${id} is already being trained by ${pid === null ? 'another process' : `process ${pid}`}.`,
      'Wait for it, or stop it first (medr1 runs list shows its state).',
    ),
  rewardedByKernel: (id: string, names: readonly string[]) =>
    make('REWARD_KERNEL_UNREACHABLE', 422)(
      `Run ${id} is rewarded by ${names.join(', ')} of a notebook's kernel, and a command that trains by itself cannot ask a kernel.`,
      `Resume it through the server of its home (JupyterLab or medr1 serve, without --processes and --report): it takes the processes of the run's configuration. Or leave the functions out: medr1 reward set ${id} ${names.map((name) => `--remove ${name}`).join(' ')}.`,
    ),
  serverGone: (home: string, id: string) =>
    make('SERVER_GONE', 503)(
      `The server of ${home}, which trained run ${id}, does not answer any more.`,
      `The worker of the run writes a checkpoint and ends. medr1 train --resume ${id} goes on from there, and so does the server when it is started again.`,
    ),
  noGroup: (id: string, step: number, group: number) =>
    make('GROUP_UNKNOWN', 404)(`Run ${id} holds no group ${group} of step ${step}.`, 'GET /runs/:id/groups tells which there are.'),
  wrongState: (id: string, action: string, state: string, remedy: string) =>
    conflict(`Run ${id} is ${state}: it cannot ${action}.`, remedy),
  stopping: (id: string, action: string) =>
    conflict(`Run ${id} is stopping: it cannot ${action}.`, 'Wait until it has stopped, then resume it.'),
  reportFormat: (what: string) =>
    make('REPORT_FORMAT', 409)(
      `The process that reports the run sends ${what}, which this version does not have.`,
      'Bring the workbench here and the one of the machine that trains to one version.',
    ),
  notReported: (id: string) =>
    make('REPORT_HOME', 409)(
      `Run ${id} lies in the home of this workbench, which shows it as it is; there is nothing to report.`,
      'Leave --report out.',
    ),
  reportedElsewhere: (id: string, action: string, { host, directory }: { host: string; directory: string }) =>
    conflict(
      `Run ${id} is trained by ${host}: it cannot ${action} here, where its checkpoints are not.`,
      `Do it on ${host}, where the run lies in ${directory}.`,
    ),
  reportAway: (id: string, { host, directory }: { host: string; directory: string }) =>
    make('REPORT_AWAY', 503)(
      `Nothing is heard of the process that trains run ${id} on ${host}, so that it can be asked for nothing.`,
      `It reports again when its connection is back. One that has ended goes on there by medr1 train --resume ${id} --report URL; the run lies in ${directory}.`,
    ),
  runImported: (id: string, action: string, from: string) =>
    make('RUN_IMPORTED', 409)(
      `Run ${id} was trained by another trainer and read from ${preview(from)}: it cannot ${action}.`,
      'An imported run can be looked at, checked and compared. To go on from its weights, start a new run with the folder of its checkpoint as model_name_or_path.',
    ),
  importNotFound: (path: string) =>
    make(
      'IMPORT_NOT_FOUND',
      404,
      2,
    )(
      `${preview(path)} is no trainer_state.json, and no folder that holds one or checkpoints with one.`,
      "Give the output_dir of Hugging Face's Trainer, a checkpoint in it, or a trainer_state.json, on the machine of the workbench.",
    ),
  importUnreadable: (path: string, why: string) =>
    make(
      'IMPORT_UNREADABLE',
      422,
      2,
    )(
      `${preview(path)} cannot be read as the log of a training: ${why}`,
      "It must be JSON with a list log_history, as Hugging Face's Trainer writes it into each checkpoint.",
    ),
  runHeld: (id: string, action: string) =>
    conflict(
      `Run ${id} is being rolled back, deleted or started by another process: it cannot ${action}.`,
      'Look at the run again, then repeat this.',
    ),
  staleRevision: (base: number, current: number) =>
    make('REWARDS_STALE', 409)(
      `The edit was made on revision ${base}, but the run has revision ${current} by now.`,
      'Read the rewards again and repeat the edit on them.',
    ),
  unknownReward: (name: string, known: string[]) =>
    make('REWARD_UNKNOWN', 422)(
      `${preview(name)} is neither a reward function of this run nor a built-in one.`,
      `The run has: ${known.join(', ')}.`,
    ),
  noRevisions: (id: string) =>
    make('REWARDS_NONE', 409)(`Run ${id} is a fine-tuning run (SFT), which has no rewards.`, 'Choose a GRPO run.'),
  noRewards: () =>
    make('REWARDS_EMPTY', 422)(
      'After this edit the run would have no reward function.',
      'Keep at least one. Weight 0 switches a function off.',
    ),
  stepOrder: (seen: number, wanted: number) =>
    make('STEP_OUT_OF_ORDER', 500)(
      `The trainer reported step ${seen}, but the next step is ${wanted}.`,
      'Please report this error with worker.log.',
    ),
  checkpointDamaged: (dir: string, what: string) =>
    make('CHECKPOINT_DAMAGED', 422)(`The checkpoint ${dir} is damaged: ${what}.`, 'An older checkpoint is used where there is one.'),
  noCheckpoint: (id: string, step: number, have: number[]) =>
    make('CHECKPOINT_UNKNOWN', 404)(
      `Run ${id} has no checkpoint at step ${step}.`,
      have.length ? `It has: ${have.join(', ')}.` : 'It has none yet: ask for one while it trains.',
    ),
  nothingToTrain: (step: number, last: number) =>
    make('FORK_ENDED', 422)(
      `A fork from step ${step} has nothing to train: it would end at step ${last}.`,
      `Set max_steps to more than ${step}, or fork an earlier checkpoint.`,
    ),
  workerDied: (how: string, last: string) =>
    make('WORKER_DIED', 500)(
      `The process that trained this run ended unexpectedly (${how}).${last ? ` Its last words: ${last}` : ''}`,
      how.includes('SIGKILL')
        ? 'Often the system ran out of memory: lower the batch size or the image size. Resume goes on from the last checkpoint.'
        : 'Resume goes on from the last checkpoint. The worker log says more.',
    ),
  serverStopped: () =>
    make('SERVER_STOPPED', 503)('The backend that supervised this run stopped; a checkpoint was written.', 'Resume goes on from there.'),

  noPolicyLeft: (id: string, model: string) =>
    make('CHECKPOINT_UNKNOWN', 404)(
      `Run ${id} has no checkpoint any more, and the model that it started from is not at ${model}.`,
      'Put the model back, or resume the run: a policy in training can be asked.',
    ),
  noCompletion: (id: string, step: number, group: number, completion: number) =>
    make('EXPLAIN_COMPLETION', 404)(
      `Run ${id} stores no completion ${completion} of group ${group} at step ${step}.`,
      'The Rollouts view shows which steps, groups and completions there are.',
    ),
  generateBusy: () =>
    make('GENERATE_BUSY', 429)('Too many questions wait for an answer already.', 'Try again when some of them have been answered.'),
  generateDied: (how: string, last: string) =>
    make('GENERATE_WORKER_DIED', 500)(
      `The process that should answer ended before it did (${how}).${last ? ` Its last words: ${last}` : ''}`,
      how.includes('SIGKILL')
        ? 'Often the system ran out of memory: ask for fewer or shorter answers, or stop other jobs.'
        : 'Ask again. When a run has ended, its last checkpoint answers.',
    ),
  generateSlow: (seconds: number) =>
    make('GENERATE_TIMEOUT', 504)(
      `The model did not answer within ${seconds} s.`,
      'Ask for fewer or shorter answers, or pause the run first.',
    ),
  generateStopped: () => make('GENERATE_STOPPED', 499)('The question was cancelled.', 'Nothing to do.'),

  outNotWritable: (path: string, cause: unknown) =>
    make('NOT_WRITABLE', 500)(
      `${path} cannot be written: ${reasonOf(cause)}`,
      'Name a file in a folder that exists and that you may write to.',
      cause,
    ),
  diskFull: (directory: string) =>
    make('DISK_FULL', 507)(`The disk that holds ${directory} is full.`, 'Make room (old runs, the trash): the run goes on by itself.'),
  endedFull: (directory: string) =>
    make('DISK_FULL', 507)(
      `The disk that holds ${directory} is full: the run ended before its last steps were in a checkpoint.`,
      'Make room (old runs, the trash), then resume: it goes on from its last checkpoint.',
    ),
  endedFailed: (directory: string, cause: unknown) =>
    make('DISK_FAILED', 500)(
      `The disk that holds ${directory} could not be read or written: ${text(cause)}`,
      "Look at the system's log (dmesg) and at the disk. All steps up to the last checkpoint are safe: resume goes on from there once the disk works.",
      cause,
    ),
  runGone: (directory: string) =>
    make('RUN_GONE', 410)(
      `${directory} was removed while the run trained.`,
      'If you meant to remove it, there is nothing to do. If not, put it back from a copy.',
    ),

  portTaken: (port: number) =>
    make('PORT_TAKEN', 500)(
      `Port ${port} is taken by another program.`,
      `Choose another (--port N) or see who has it: ss -ltnp 'sport = :${port}'.`,
    ),
  socketTaken: (path: string) =>
    make('SOCKET_TAKEN', 500)(`Another server answers on ${path}.`, 'Stop it or choose another --socket PATH.'),
  socketPath: (path: string, cause: unknown) =>
    make('SOCKET_UNUSABLE', 500)(
      `The socket ${path} cannot be made: ${text(cause)}`,
      'Choose a path of at most 107 bytes in a directory that you may write to.',
      cause,
    ),
  serverRunning: (home: string) =>
    make('SERVER_RUNNING', 409)(
      `A Med-R1 server already works on ${home}.`,
      'Use that server (server.json in this directory has its address), stop it, or set MEDR1_HOME to another directory.',
    ),
  noServer: (home: string) => make('SERVER_ABSENT', 503)(`No Med-R1 server works on ${home}.`, 'Start JupyterLab, or run: medr1 serve'),
  pathRefused: (path: string) =>
    make('PATH_REFUSED', 403)(`${preview(path)} does not lie inside the data set.`, "Give a path relative to the data set's root."),
  imageMissing: (path: string) =>
    make('IMAGE_MISSING', 404)(`There is no image ${preview(path)} in the data set.`, 'medr1 data audit lists every missing image.'),
  imageBad: (path: string, cause: unknown) =>
    make('IMAGE_UNREADABLE', 422)(
      `${preview(path)} cannot be decoded: ${text(cause)}`,
      'Replace the file; medr1 data audit lists every such image.',
      cause,
    ),
};

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** A value as it was seen, cut to a length that fits a message. */
function preview(value: unknown): string {
  if (typeof value === 'string') value = value.slice(0, 100); // before what is long is written once more
  const named = (_: string, each: unknown): unknown => (typeof each === 'number' && !Number.isFinite(each) ? String(each) : each); // JSON says null
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value, named) ?? String(value));
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}
