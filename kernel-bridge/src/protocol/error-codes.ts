/**
 * Every error code: its HTTP status where a route answers with it, what it means, and what helps. The message of an error says what was seen
 * and where; this is what stands behind it. docs/errors.md is made from here. A new code is a row: test/lint/errors.test.ts finds those without.
 */
export interface ErrorCode {
  /** null: no route answers with it (a command, the notebook client, a view, an alert of a run). */
  http: number | null;
  meaning: string;
  remedy: string;
}
const code = (http: number | null, meaning: string, remedy: string): ErrorCode => ({ http, meaning, remedy });

export const ERROR_CODES: Record<string, ErrorCode> = {
  // Requests
  REQUEST_INVALID: code(
    400,
    'A part of the address, a parameter or the body is not as the route takes it.',
    'docs/api.md says what each route takes.',
  ),
  REQUEST_TOO_LARGE: code(
    413,
    'The body has more bytes than relay and backend take.',
    'Send less at once: name questions by a filter rather than by ids.',
  ),
  LENGTH_REQUIRED: code(411, 'The body comes in chunks, without its length.', 'Send a content-length header.'),
  ROUTE_UNKNOWN: code(404, 'There is no such route.', 'docs/api.md lists the routes; page and backend may be of two versions.'),
  AUTH_REFUSED: code(401, 'The secret is missing or wrong.', 'Send the secret of server.json as a bearer token.'),
  HOST_REFUSED: code(403, 'The Host header is not this machine.', 'Connect to 127.0.0.1 or to the unix socket.'),
  ORIGIN_REFUSED: code(403, 'A web page asked the private port.', "Go through JupyterLab's relay."),
  TOO_MANY_CONNECTIONS: code(503, 'Too many websockets are open.', 'Close some pages or notebooks.'),
  TOO_MANY_TOPICS: code(422, 'A websocket follows too many topics.', 'Unsubscribe from some.'),
  INTERNAL: code(500, 'An error that was not foreseen.', 'See the log of the backend and report it.'),
  REQUEST_ID_USED: code(409, 'Another request with other content had this request_id.', 'Give each request an id of its own.'),
  DISK_FAILED: code(500, 'A disk failed to read or write.', 'Look at the log of the system; copy the home to another disk.'),
  TRASH_UNKNOWN: code(404, 'There is nothing of this name in the trash.', 'The message or the list of the trash names what there is.'),
  TRASH_TAKEN: code(409, 'What comes back from the trash finds its place taken.', 'Move away what stands there first.'),
  DISK_FULL: code(
    507,
    'A disk has not the room that something takes, or refused a write.',
    'Make room (old runs, the trash), then ask for the same again.',
  ),
  DATABASE_BUSY: code(503, 'Another program holds a database.', 'Close what has it open for writing (sqlite3, a backup).'),
  NOT_WRITABLE: code(500, 'A folder or file cannot be made or written to.', 'Mend its rights, or name another home with MEDR1_HOME.'),

  // The server, and how clients reach it
  SERVER_UNREACHABLE: code(503, 'The backend does not answer the page.', 'Check that JupyterLab (or medr1 serve) is running.'),
  SERVER_ABSENT: code(503, 'No server works on this home.', 'Start JupyterLab, or run medr1 serve.'),
  SERVER_RUNNING: code(409, 'A server works on this home already.', 'Use that one, stop it, or set MEDR1_HOME.'),
  SERVER_GONE: code(
    503,
    'The backend that supervised a run ended without a word.',
    'Start it anew; resume the run from its last checkpoint.',
  ),
  SERVER_STOPPED: code(503, 'The backend stopped while it supervised a run; a checkpoint was written.', 'Resume the run.'),
  PORT_TAKEN: code(500, 'Another program has the port.', 'Choose another with --port.'),
  SOCKET_TAKEN: code(500, 'Another server answers on the socket.', 'Stop it or choose another --socket.'),
  SOCKET_UNUSABLE: code(500, 'The socket cannot be made.', 'Choose a path of at most 107 bytes in a directory you may write.'),
  BACKEND_DOWN: code(
    503,
    'The backend that JupyterLab starts is not running.',
    'It starts anew by itself; the Runs panel says why and can restart it.',
  ),
  BACKEND_SLOW: code(504, 'The backend did not answer in time.', 'Try again; medr1 doctor says what it is doing.'),
  BACKEND_LOST: code(502, 'The backend broke off in the middle of an answer.', 'Try again; it starts anew by itself.'),
  HTTP_ERROR: code(
    null,
    'An answer without a code of ours, from a proxy or a login page; the notebook client says HTTP_ and its status.',
    'Check address and token; look at the log of the Jupyter server.',
  ),
  CERTIFICATE: code(
    null,
    'A notebook client does not trust the certificate of the server, or cannot read the one it was given.',
    "Give the server's certificate as a PEM file: connect(url, token, verify=...).",
  ),
  NO_CONNECTION: code(null, 'A notebook finds no backend.', 'Give url and token, or run it in the JupyterLab of the workbench.'),
  PROTOCOL: code(
    null,
    'Page or notebook client and backend speak two versions of the protocol.',
    'Reload the page or restart the kernel; update the older one.',
  ),

  // Configurations and models
  CONFIG_INVALID: code(422, 'A key of the configuration is missing or its value cannot be.', 'docs/config.md describes every key.'),
  CONFIG_UNKNOWN_KEY: code(422, 'The configuration has a key that there is not.', 'docs/config.md lists every key.'),
  CONFIG_UNREADABLE: code(422, 'A configuration file cannot be read as YAML.', 'Check path and syntax.'),
  SETTING_INVALID: code(null, 'A line of settings is no key = value.', 'Write one key = value a line.'),
  MODEL_MISSING: code(422, 'The model directory is not there or lacks files.', 'Give a directory with config.json and *.safetensors.'),
  MODEL_INVALID: code(422, 'The directory is no model directory.', 'Give a Hugging Face directory.'),
  MODEL_DIR_INCOMPLETE: code(
    422,
    'The model directory lacks a file.',
    'Download it whole: config, weights, tokenizer, chat template, preprocessor_config.json.',
  ),
  MODEL_FILE_UNREADABLE: code(422, 'A file of the model cannot be read.', 'Mend its rights, or download it again.'),
  MODEL_JSON_INVALID: code(422, 'A JSON file of the model is damaged.', 'Download it again.'),
  MODEL_UNSUPPORTED: code(422, 'The model is of a kind or has a setting that is not supported.', 'The message names what is.'),
  MODEL_WEIGHTS_MISMATCH: code(422, 'The weights do not fit config.json.', 'Take both from one checkpoint.'),
  MODEL_PREPROCESSOR: code(422, 'The settings of the image processor cannot be used.', 'Restore preprocessor_config.json.'),
  MODEL_LOGITS_NOT_FINITE: code(
    422,
    'The model gave no probabilities: logits were NaN or infinite.',
    'Go back to an older checkpoint, or use float32.',
  ),
  MODEL_BAD_ARGUMENT: code(422, 'A model was called with an argument that cannot be.', 'The message names it.'),
  ADAPTER_UNSUPPORTED: code(422, 'The adapter is no plain LoRA on linear layers.', 'Merge it into its base model in Python.'),
  ADAPTER_INCOMPLETE: code(422, 'The adapter has no adapter_model.safetensors.', 'Save it again with PEFT.'),
  ADAPTER_WEIGHTS_MISMATCH: code(
    422,
    "The adapter's weights do not fit its configuration or base model.",
    'Check base_model_name_or_path.',
  ),
  ADAPTER_BASE_MISSING: code(
    422,
    "The adapter's base model is not on this machine.",
    'Put it there, or write its path into adapter_config.json.',
  ),
  LORA_TARGET: code(422, 'lora_target_modules names no linear layer.', 'The message lists the layers.'),
  TOKENIZER_MISSING: code(404, 'The tokenizer that a run used is not where it was.', 'Put the model directory back.'),
  TOKENIZER_UNREADABLE: code(422, 'The tokenizer cannot be used.', "Put the model's tokenizer.json back."),
  DEVICE_MISSING: code(422, 'The device that was asked for is not there.', 'Set device to cpu or auto; medr1 doctor says what torch sees.'),
  PROMPT_TEMPLATE: code(422, 'A prompt template has no place for the question.', 'Write {question} where it belongs.'),
  PROMPT_RESERVED_TOKEN: code(422, 'The text of a prompt holds a token that stands for image content.', 'Remove it from the text.'),

  // Images
  IMAGE_MISSING: code(404, 'There is no such image in the data set.', 'medr1 data audit lists every missing image.'),
  IMAGE_UNREADABLE: code(422, 'The image cannot be decoded.', 'Replace the file, or leave its questions out.'),
  IMAGE_SHAPE: code(422, 'The image is far longer than it is wide, or the other way.', 'Crop or pad it to an aspect ratio below 200.'),
  PATH_REFUSED: code(403, 'A path leads out of the data set.', "Give a path relative to the data set's root."),

  // Runs
  RUN_UNKNOWN: code(404, 'There is no such run.', 'medr1 runs list shows the runs.'),
  RUN_CONFLICT: code(409, 'The state of the run does not allow this.', 'The message names the state and what comes first.'),
  RUN_DAMAGED: code(500, 'The database of the run cannot be read.', 'Try sqlite3 run.db .recover; checkpoints are separate files.'),
  RUN_FORMAT: code(
    500,
    'The database of the run is of another version.',
    'Update the workbench, or open it with the version that made it.',
  ),
  FORK_ENDED: code(
    422,
    'The fork goes on from a checkpoint at which its own configuration has already ended.',
    'Raise max_steps, or fork an earlier checkpoint.',
  ),
  RUN_GONE: code(410, 'The directory of the run was removed while it trained.', 'Put it back from a copy, if that was not meant.'),
  RUN_FAILED: code(null, 'A run that a notebook waited for has failed.', 'Read run.log().'),
  GROUP_UNKNOWN: code(404, 'The run holds no such group.', 'The route groups tells which there are.'),
  STEP_OUT_OF_ORDER: code(500, 'The trainer reported another step than the one that was due.', 'Report it with worker.log.'),
  STEPS_DROPPED: code(null, 'Steps after the last checkpoint were dropped by a resume.', 'Nothing to do: they are computed anew.'),
  CHECKPOINT_DAMAGED: code(422, 'A checkpoint is damaged.', 'An older one is used where there is one.'),
  CHECKPOINT_INVALID: code(422, 'A checkpoint cannot be resumed from.', 'Resume from an older one, or start a new run from its weights.'),
  CHECKPOINT_UNKNOWN: code(404, 'The run has no checkpoint at that step.', 'The message lists those it has.'),
  WORKER_DIED: code(
    500,
    'The process that trained the run ended unexpectedly, often for lack of memory.',
    'Lower batch or image size; resume goes on from the last checkpoint.',
  ),
  TRACE_ABSENT: code(null, 'The run traced no step.', 'Set trace_steps to a step that it will make.'),
  TRACE_FILE: code(null, 'The file of a trace cannot be written.', 'Name a file in a folder that is there.'),

  // Training
  TRAIN_BATCH: code(422, 'The completions of a step are no multiple of num_generations.', 'Change the batch size or the accumulation.'),
  TRAIN_DELTA: code(422, 'delta does not exceed 1 + epsilon.', 'Raise it, or leave it empty.'),
  TRAIN_FINISHED: code(422, 'The run has made all its steps.', 'Fork it with a higher max_steps.'),
  TRAIN_NO_ITEMS: code(422, 'No usable question is left to train on.', 'Check the filters; medr1 data audit counts what cannot be used.'),
  TRAIN_NOT_FINITE: code(
    422,
    'Loss or gradient was not finite several times in a row.',
    'Lower the learning rate, use float32, look for rewards that are too large.',
  ),
  TRAIN_QUESTION_LEFT_OUT: code(
    422,
    'A question cannot be shown to the model, and the run goes on without it.',
    'Mend its image or text, and index the data set again before the next run.',
  ),
  TRAIN_RANKS: code(422, 'The processes of a run cannot share its shards equally.', 'Start as many processes as divide dp_shards.'),
  TRAIN_SHARDS: code(422, 'dp_shards cannot be.', 'Set it to 1, 2, 4, 8, ... that the batch can be cut into.'),
  RANKS_UNAVAILABLE: code(422, "PyTorch's process groups could not be built.", 'Train in one process, or set up anew with npm start.'),
  RANKS_DIVERGED: code(422, 'The weights of the processes of a run differ.', 'Resume from the last checkpoint, on processors of one kind.'),
  RANKS_DIFFER: code(
    422,
    'The processes of a run are of different versions of the code.',
    'Bring the clones of all machines to one version, then start again.',
  ),
  LAUNCH_VARIABLES: code(
    null,
    'The variables by which a launcher tells a process its rank are not whole.',
    'Start the processes with torchrun, or set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for each.',
  ),
  RANK_LOST: code(422, 'A process of a run lost another one.', 'Look at the log of that process; resume from the last checkpoint.'),
  RANK_RENDEZVOUS: code(422, 'The processes of a run did not meet in time.', 'Check that all were started and reach the address.'),

  // Rewards
  REWARD_UNKNOWN: code(422, 'There is no such reward function.', 'medr1 reward list shows those that are built in.'),
  REWARD_FILE: code(422, 'A reward file cannot be read or taken.', 'Check the path; the file is UTF-8 text that ends in .ts or .js.'),
  REWARD_NAME: code(422, 'The name of a reward file cannot be used.', 'Letters, digits, _ and -: my_reward.ts.'),
  REWARD_WEIGHTS: code(422, 'Weights and reward functions are not as many.', 'Give one weight a function.'),
  REWARD_SYNTAX: code(422, 'A reward file cannot be read as a program.', 'Mend the line that the message names.'),
  REWARD_EXPORT: code(422, 'A reward file exports no function.', 'Write: export default (completions, context) => completions.map(...)'),
  REWARD_THREW: code(422, 'A reward function threw.', 'Mend it, or return null where it does not apply.'),
  REWARD_TIMEOUT: code(422, 'A reward function took too long.', 'Look for a loop without an end, or an expression that backtracks.'),
  REWARD_MEMORY: code(422, 'A reward function took too much memory.', 'Keep less at a time.'),
  REWARD_LENGTH: code(
    422,
    'A reward function returned a list of another length than its completions.',
    'Return one number or null a completion.',
  ),
  REWARD_VALUE: code(422, 'A reward function returned what is no finite number.', 'Return a number, or null where it does not apply.'),
  REWARD_TESTS: code(422, 'A reward file fails its own test.', 'Mend the function or the test.'),
  REWARDS_EMPTY: code(422, 'An edit leaves the run no reward function.', 'Keep one; weight 0 switches a function off.'),
  REWARDS_NONE: code(409, 'The run is fine-tuning: it has no rewards.', 'Choose a GRPO run.'),
  REWARDS_STALE: code(409, 'Another edit came first.', 'Read the rewards anew and repeat the edit.'),

  // Answers outside training
  GENERATE_BUSY: code(429, 'Too many questions wait for an answer.', 'Try again when some have been answered.'),
  GENERATE_TIMEOUT: code(504, 'There was no answer in time.', 'Ask for fewer or shorter answers, or pause the run first.'),
  GENERATE_STOPPED: code(499, 'The question was withdrawn.', 'Nothing to do.'),
  GENERATE_WORKER_DIED: code(
    500,
    'The process that was to answer ended, often for lack of memory.',
    'Ask again, for fewer or shorter answers.',
  ),
  GENERATE_OUT_OF_MEMORY: code(
    507,
    'There is not enough memory to answer.',
    'Ask for fewer or shorter answers, or stop what else uses the device.',
  ),

  // Data sets
  DATA_UNKNOWN: code(404, 'There is no such data set.', 'medr1 data list shows those that are indexed.'),
  DATA_NOT_FOUND: code(404, 'A path is no data set, folder or file.', 'Name a folder, a file or a data set.'),
  DATA_LAYOUT_UNKNOWN: code(422, 'A folder holds no questions in a layout that is known here.', 'docs/guides/data.md lists the layouts.'),
  DATA_UNREADABLE: code(422, 'A folder or file of the data set cannot be read.', 'Mend its rights, or remove it, and start again.'),
  DATA_EMPTY: code(422, 'No usable question is left under the filters.', 'Choose another split or filter; medr1 data audit says why.'),
  DATA_CHANGED: code(422, 'The data set is no longer the one that the run began with.', 'Put the data back, or start a new run.'),
  DATA_NAME: code(422, 'The name cannot be one of a data set.', 'Up to 64 letters, digits, dots, dashes and underscores.'),
  DATA_NAME_TAKEN: code(409, 'Another data set has this name.', 'Choose another name.'),
  DATA_BUSY: code(409, 'Another process indexes or forgets this data set.', 'Wait until that has ended, or stop it.'),
  DATA_JOB_UNKNOWN: code(404, 'The data set is not being indexed.', 'The route data.add starts it.'),
  DATA_STOPPED: code(null, 'Indexing was stopped before its end.', 'Start it again: it goes on where it was.'),
  DATA_INDEX_DIED: code(500, 'The process that indexed ended unexpectedly.', 'Start it again: it goes on where it was.'),
  DATA_INDEX_VERSION: code(
    409,
    'The index was made by another version, which read some files otherwise.',
    'Index the data set again; splits stay.',
  ),
  DATA_TASK_DIED: code(
    500,
    'The process of an audit, a split or an export ended unexpectedly.',
    'Try again; the log of the backend says more.',
  ),
  DATA_CURSOR: code(409, 'The index changed since the page before was asked for.', 'Start again at the first page, or ask by offset.'),
  DATA_FACET: code(422, 'There is no such facet.', 'The message lists those that there are.'),
  DATA_SORT: code(422, 'There is no such order.', 'The message lists those that there are.'),
  DATA_RUNS: code(422, 'The answers of too many runs were asked for at once.', 'Choose fewer runs.'),
  DATA_ITEM_UNKNOWN: code(404, 'The data set has no such question.', 'The index may have been made anew; go back to the list.'),
  DATA_IMAGE: code(
    422,
    'An image of the data set is missing (404) or cannot be shown.',
    'medr1 data audit counts such images; their questions are left out.',
  ),
  DATA_IMAGE_UNKNOWN: code(404, 'No image has this content.', 'Index the data set again.'),
  DATA_SPLIT_UNKNOWN: code(404, 'The data set has no such split, or several draws have this name.', 'The message lists the splits.'),
  DATA_SPLIT_FILE: code(422, 'A file is no split file.', 'Make one with medr1 data split.'),
  DATA_SPLIT_CHANGED: code(422, 'A split file was changed after it was made.', 'Take the original, or make a new split.'),
  DATA_PICKS: code(null, 'Too many questions are picked one by one.', 'Narrow the filter and pick all.'),
  DATA_LICENCE: code(422, 'The licence of a download was not accepted.', 'Read it, then send accept_licence: true.'),
  DATA_DOWNLOAD: code(422, 'A download failed or its content is not what the hub says.', 'Start it again: what is here is gone on with.'),
  DATA_DOWNLOAD_DIR: code(422, 'The folder for a download is no absolute path.', 'Name it from the root on, or leave it out.'),
  DATA_DOWNLOAD_UNKNOWN: code(404, 'Nothing of this name can be, or is being, downloaded.', 'The route data.downloads lists what can.'),
  DATA_PROXY: code(
    422,
    'The proxy that the environment names cannot be used.',
    'Check HTTPS_PROXY; write http://host:port, or exempt the host with NO_PROXY.',
  ),
  DATA_ARCHIVE: code(422, 'An archive is damaged or hostile.', 'Remove it and download it again.'),
  SAMPLE_DIR_NOT_EMPTY: code(null, 'The folder for the made sample is not empty.', 'Name a new folder.'),
  NO_SAMPLE: code(null, 'The made sample has not been written.', 'npm start writes it.'),
  NO_SELECTION: code(null, 'The browser shows another data set, or none.', 'Open it in the Data view, or call .show().'),
  LINK_INVALID: code(null, 'A medr1: link cannot be read.', 'Copy it again.'),

  // Evaluations
  EVAL_UNKNOWN: code(404, 'There is no such evaluation.', 'medr1 evals lists them.'),
  EVAL_CONFLICT: code(409, 'The state of the evaluation does not allow this.', 'The message names the state.'),
  EVAL_BUSY: code(409, 'Another process works on the evaluation.', 'Wait for it, or stop it.'),
  EVAL_DAMAGED: code(500, 'The database of the evaluation cannot be read.', 'Try sqlite3 eval.db .recover, or evaluate anew.'),
  EVAL_FORMAT: code(500, 'The evaluation is of another version.', 'Update the workbench, or evaluate anew.'),
  EVAL_MODEL: code(400, 'An evaluation takes either a model directory or a run.', 'Give one of the two.'),
  EVAL_MODEL_CHANGED: code(422, 'The weights are no longer those of the evaluation.', 'Put them back, or evaluate anew.'),
  EVAL_IMAGE_CHANGED: code(422, 'An image is no longer the one that was answered about.', 'Put it back, or evaluate anew.'),
  EVAL_SPLIT_CHANGED: code(422, 'The split is no longer the one that was evaluated on.', 'Put the data back, or evaluate anew.'),
  EVAL_TRAIN_SPLIT: code(422, 'option-prior does not know which questions to learn from.', 'Name a training split.'),
  EVAL_NOT_COMPARABLE: code(409, 'The evaluations are not of the same questions.', 'Compare evaluations of the same split.'),
  EVAL_STOPPED: code(null, 'An evaluation was stopped before its last answer.', 'The same command goes on from there.'),

  // Commands
  USAGE: code(null, 'A command was called in a way that it does not take.', 'medr1 COMMAND --help.'),
  BATCH_INVALID: code(null, 'A line of a batch file is not as it must be.', 'One JSON object a line.'),
  REPLAY_BATCH: code(
    null,
    'Completions to replay cannot be cut into micro-batches.',
    'Set per_device_train_batch_size to a divisor of their number.',
  ),
  REPLAY_GROUPS: code(
    null,
    'Rows to replay have groups of several sizes, or too small ones.',
    'Give every row the same number of completions, at least 2.',
  ),
  REPLAY_REWARDS: code(null, 'A row to replay lacks rewards.', 'Give rewards of the same functions in every row.'),
  RECIPE_INVALID: code(null, 'A recipe cannot be used.', 'docs/guides/reproduce.md lists its keys.'),
  RECIPE_NO_UNITS: code(null, 'The data set has no splits that the recipe asks for.', 'The message names the splits it needs.'),
  REPRODUCE_BUSY: code(409, 'Another medr1 reproduce works on this.', 'Wait for it or end it.'),
  REPRODUCE_FAILED: code(null, 'Parts of an experiment failed.', 'Mend the cause; the same command tries these again.'),
  REPRODUCE_RUN_ENDED: code(null, 'A run of an experiment ended before its last step.', 'The same command resumes it.'),
  REPRODUCE_STOPPED: code(null, 'An experiment was stopped.', 'The same command goes on from there.'),
  TORCH_ADDON: code(422, 'The native addon cannot be loaded.', 'Run npm start, which builds it.'),
  TORCH_ARGUMENTS: code(422, 'An operator of PyTorch was called with other arguments than it takes.', 'The message lists its overloads.'),
  TORCH_FILE: code(422, 'A file of weights cannot be read or written.', 'Check the path; download or save it again.'),
  TORCH_OPERATOR: code(422, 'An operator of PyTorch failed.', 'The message is its own.'),
};
