/**
 * The configuration of a run: keys are those of TRL 1.16's GRPOConfig and ModelConfig where they exist, ours are marked "Workbench".
 * The schema is the one source: the command line, the New run form, Python and the docs page are made from it.
 * A key's `group` orders the form; `advanced` folds it away.
 */
import Type from 'typebox';
import { ScheduleInput } from './scheduled.ts';
import { SCHEDULE_NAMES } from './schedules.ts';

const choice = <T extends string>(values: readonly T[], options: Record<string, unknown>) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    options,
  ) as unknown as Type.TUnsafe<T>;

const nullable = <S extends Type.TSchema>(schema: S, options: Record<string, unknown>) => Type.Union([schema, Type.Null()], options);

export const VARIANTS = ['think', 'no-think', 'think-after'] as const;
export type Variant = (typeof VARIANTS)[number];

/** What a model is given as. Names the families of models/families. */
export const MODEL_DIRECTORY = 'Hugging Face directory of a Qwen2-VL or Qwen2.5-VL model';

export const TrainConfig = Type.Object(
  {
    // what is trained
    trainer: choice(['grpo', 'sft'], {
      default: 'grpo',
      group: 'Run',
      title: 'Trainer',
      description: 'Workbench. grpo: reinforcement learning from rewards. sft: supervised fine-tuning on the right answers.',
    }),
    run_name: nullable(Type.String({ maxLength: 120 }), {
      default: null,
      group: 'Run',
      title: 'Name',
      description: 'A name to find the run by; made from model, data and variant when empty.',
    }),
    model_name_or_path: Type.String({
      minLength: 1,
      group: 'Run',
      title: 'Model',
      description: `${MODEL_DIRECTORY}, or a checkpoint of another run.`,
    }),
    dataset_name: Type.String({
      minLength: 1,
      group: 'Run',
      title: 'Data set',
      description: "Name of an indexed data set, or a directory in OmniMedVQA's layout, or one of Med-R1's split files.",
    }),
    dataset_train_split: nullable(Type.String(), {
      default: null,
      group: 'Run',
      title: 'Training split',
      description: 'Split to train on, for example modality/train/Dermoscopy; all usable items when empty.',
    }),
    dataset_test_split: nullable(Type.String(), {
      default: null,
      group: 'Run',
      title: 'Evaluation split',
      description: 'Held-out split used by evaluations during training.',
    }),
    modality: nullable(Type.Array(Type.String()), {
      default: null,
      group: 'Run',
      advanced: true,
      title: 'Modalities',
      description: 'Workbench. Keep only these modalities.',
    }),
    question_type: nullable(Type.Array(Type.String()), {
      default: null,
      group: 'Run',
      advanced: true,
      title: 'Question types',
      description: 'Workbench. Keep only these question types.',
    }),
    variant: choice(VARIANTS, {
      default: 'think',
      group: 'Run',
      title: 'Variant',
      description: "Workbench. Med-R1's thinking, no-thinking or think-after prompt and format reward.",
    }),
    prompt_template: nullable(Type.String(), {
      default: null,
      group: 'Run',
      advanced: true,
      title: 'Prompt template',
      description:
        "Workbench. Text of the user's turn with {question} for question and options; Med-R1's training prompt of the variant when empty.",
    }),

    // rewards
    reward_funcs: Type.Array(Type.String(), {
      default: ['accuracy', 'format'],
      minItems: 1,
      uniqueItems: true,
      group: 'Rewards',
      title: 'Reward functions',
      description:
        'Names of built-in reward functions, files of your own (./my_reward.ts), and Python functions that a kernel serves (my_function.py); docs/guides/rewards.md.',
    }),
    reward_weights: nullable(Type.Array(Type.Number()), {
      default: null,
      group: 'Rewards',
      title: 'Reward weights',
      description: 'One weight per reward function; all 1 when empty. They can be changed while training.',
    }),
    reward_weight_schedules: nullable(Type.Record(Type.String(), ScheduleInput), {
      default: null,
      group: 'Rewards',
      advanced: true,
      title: 'Weights that follow the step',
      description:
        'Workbench. By reward function, in place of its weight, for example {"format": {"schedule": "linear", "from": 1, "to": 0, "over": 200}}; linear, cosine or step.',
    }),
    reward_parameters: nullable(
      Type.Record(Type.String(), Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String(), ScheduleInput]))),
      {
        default: null,
        group: 'Rewards',
        advanced: true,
        title: 'Reward parameters',
        description:
          'Workbench. Parameters of built-in reward functions by function, for example {"length_band": {"low": 40}}; a number may follow the step as a weight does. The others take their defaults (medr1 reward list).',
      },
    ),
    scale_rewards: choice(['group', 'batch', 'none'], {
      default: 'group',
      group: 'Rewards',
      advanced: true,
      title: 'Scale rewards',
      description:
        'Divide the centred reward by the standard deviation of its group, of the batch, or not at all; true is group and false is none.',
    }),
    multi_objective_aggregation: choice(['sum_then_normalize', 'normalize_then_sum'], {
      default: 'sum_then_normalize',
      group: 'Rewards',
      advanced: true,
      title: 'Aggregation',
      description: 'normalize_then_sum is GDPO: each reward is normalised in its group before the weighted sum.',
    }),

    // sampling
    num_generations: Type.Integer({
      default: 8,
      minimum: 2,
      maximum: 256,
      group: 'Sampling',
      title: 'Generations per prompt (G)',
      description: 'Completions sampled for each question: the group over which advantages are taken.',
    }),
    max_completion_length: Type.Integer({
      default: 256,
      minimum: 1,
      maximum: 8192,
      group: 'Sampling',
      title: 'Longest completion',
      description: 'In tokens.',
      unit: 'tokens',
    }),
    temperature: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      maximum: 10,
      group: 'Sampling',
      title: 'Temperature',
      doubtful: { above: 3, why: 'tokens are drawn nearly at random' },
      description: 'Sampling temperature; log-probabilities in the loss are taken at the same temperature.',
    }),
    top_p: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      maximum: 1,
      group: 'Sampling',
      advanced: true,
      title: 'Top p',
      description: 'Sample from the smallest set of tokens whose probabilities sum to p; 1 = all.',
    }),
    top_k: Type.Integer({
      default: 0,
      minimum: 0,
      group: 'Sampling',
      advanced: true,
      title: 'Top k',
      description: 'Sample from the k likeliest tokens; 0 = all.',
    }),
    min_p: nullable(Type.Number({ minimum: 0, maximum: 1 }), {
      default: null,
      group: 'Sampling',
      advanced: true,
      title: 'Min p',
      description: 'Drop tokens less likely than this share of the likeliest.',
    }),
    repetition_penalty: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      group: 'Sampling',
      advanced: true,
      title: 'Repetition penalty',
      description: '1 = none.',
    }),
    max_pixels: Type.Integer({
      default: 401408,
      minimum: 784,
      group: 'Sampling',
      advanced: true,
      title: 'Largest image',
      description: 'Images are resized to at most this many pixels.',
      unit: 'pixels',
    }),
    min_pixels: Type.Integer({
      default: 3136,
      minimum: 784,
      group: 'Sampling',
      advanced: true,
      title: 'Smallest image',
      description: 'Images are resized to at least this many pixels.',
      unit: 'pixels',
    }),

    // the GRPO loss
    beta: Type.Number({
      default: 0.04,
      minimum: 0,
      group: 'Loss',
      title: 'KL coefficient (beta)',
      doubtful: { above: 10, why: 'the KL divergence outweighs rewards of the usual size, and the policy hardly moves' },
      description: 'Weight of the KL divergence to the reference model; 0 drops the reference model.',
    }),
    use_bias_correction_kl: Type.Boolean({
      default: false,
      group: 'Loss',
      advanced: true,
      title: 'Correct the KL gradient',
      description: "Multiply the KL term by the ratio (DeepSeek-V3.2): TRL's default since 1.16; Med-R1's recipe does not.",
    }),
    loss_type: choice(['grpo', 'dr_grpo', 'bnpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'], {
      default: 'grpo',
      group: 'Loss',
      title: 'Loss',
      description: 'How token losses are formed and averaged.',
    }),
    importance_sampling_level: choice(['token', 'sequence'], {
      default: 'token',
      group: 'Loss',
      advanced: true,
      title: 'Importance sampling',
      description: 'Ratio per token, or per sequence (GSPO).',
    }),
    epsilon: Type.Number({
      default: 0.2,
      minimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'Clip (epsilon)',
      description: 'Lower clip range of the ratio.',
    }),
    epsilon_high: nullable(Type.Number({ minimum: 0 }), {
      default: null,
      group: 'Loss',
      advanced: true,
      title: 'Clip, upper',
      description: 'Upper clip range; epsilon when empty.',
    }),
    delta: nullable(Type.Number({ exclusiveMinimum: 0 }), {
      default: null,
      group: 'Loss',
      advanced: true,
      title: 'Delta',
      description: 'Upper bound of the ratio in two-sided clipping; must exceed 1 + epsilon.',
    }),
    num_iterations: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 64,
      group: 'Loss',
      advanced: true,
      title: 'Updates per batch (mu)',
      description: 'Optimiser passes over each batch of completions.',
    }),
    sapo_temperature_pos: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'SAPO temperature, A > 0',
      description: 'Used by loss sapo.',
    }),
    sapo_temperature_neg: Type.Number({
      default: 1.05,
      exclusiveMinimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'SAPO temperature, A <= 0',
      description: 'Used by loss sapo.',
    }),
    vespo_k_pos: Type.Number({
      default: 2,
      minimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'VESPO k, A >= 0',
      description: 'Power of the ratio in the weight. Used by loss vespo.',
    }),
    vespo_lambda_pos: Type.Number({
      default: 3,
      minimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'VESPO lambda, A >= 0',
      description: 'Decay of the weight. Used by loss vespo.',
    }),
    vespo_k_neg: Type.Number({
      default: 3,
      minimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'VESPO k, A < 0',
      description: 'Power of the ratio in the weight. Used by loss vespo.',
    }),
    vespo_lambda_neg: Type.Number({
      default: 2,
      minimum: 0,
      group: 'Loss',
      advanced: true,
      title: 'VESPO lambda, A < 0',
      description: 'Decay of the weight. Used by loss vespo.',
    }),
    mask_truncated_completions: Type.Boolean({
      default: false,
      group: 'Loss',
      advanced: true,
      title: 'Mask truncated completions',
      description: 'Leave completions that reached the longest length out of the loss.',
    }),
    dynamic_sampling: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 16,
      group: 'Loss',
      advanced: true,
      title: 'Dynamic sampling',
      description: 'Workbench. How often groups without spread are sampled anew (DAPO); 0 = never.',
    }),

    // optimisation
    per_device_train_batch_size: Type.Integer({
      default: 16,
      minimum: 1,
      group: 'Optimisation',
      title: 'Completions per batch',
      description: 'Completions in one forward and backward pass; a multiple of num_generations (SFT: examples).',
    }),
    gradient_accumulation_steps: Type.Integer({
      default: 1,
      minimum: 1,
      group: 'Optimisation',
      title: 'Accumulation',
      description: 'Passes whose gradients are summed into one optimiser step.',
    }),
    optim: choice(['adamw_torch', 'adamw_torch_8bit'], {
      default: 'adamw_torch',
      group: 'Optimisation',
      advanced: true,
      title: 'Optimiser',
      description: "AdamW with moments in float32, or in 8 bits in blocks of 256 (torchao's): 2 bytes a weight instead of 8.",
    }),
    bf16_update: choice(['master', 'stochastic', 'kahan'], {
      default: 'master',
      group: 'Optimisation',
      advanced: true,
      title: 'Update of bfloat16 weights',
      description:
        'Workbench. master: a float32 copy beside each weight (4 bytes). kahan: what rounding took off, exactly the same result (2 bytes). stochastic: round up or down at random, right on average (0 bytes).',
    }),
    learning_rate: Type.Number({
      default: 1e-6,
      exclusiveMinimum: 0,
      group: 'Optimisation',
      title: 'Learning rate',
      doubtful: { above: 0.01, why: 'AdamW moves every weight so far in each step that the model is lost within a few' },
      description: 'Peak learning rate of AdamW.',
    }),
    lr_scheduler_type: choice(SCHEDULE_NAMES, {
      default: 'linear',
      group: 'Optimisation',
      advanced: true,
      title: 'Schedule',
      description: 'How the learning rate falls after the warm-up.',
    }),
    lr_scheduler_kwargs: nullable(Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])), {
      default: null,
      group: 'Optimisation',
      advanced: true,
      title: 'Schedule settings',
      description: 'Settings of the schedule by transformers\' names, for example {"num_cycles": 2} with cosine_with_restarts.',
    }),
    warmup_steps: Type.Number({
      default: 0,
      minimum: 0,
      group: 'Optimisation',
      advanced: true,
      title: 'Warm-up',
      description: 'Steps over which the learning rate rises; below 1, that share of all steps.',
      unit: 'steps',
    }),
    max_steps: Type.Integer({
      default: -1,
      minimum: -1,
      group: 'Optimisation',
      title: 'Steps',
      description: 'Optimiser steps; -1 = num_train_epochs decide.',
      unit: 'steps',
    }),
    num_train_epochs: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      group: 'Optimisation',
      title: 'Epochs',
      description: 'Passes over the training questions when max_steps is -1.',
    }),
    max_grad_norm: Type.Number({
      default: 1,
      minimum: 0,
      group: 'Optimisation',
      advanced: true,
      title: 'Gradient clip',
      description: 'Largest norm of the gradient; 0 = no clipping.',
    }),
    weight_decay: Type.Number({
      default: 0,
      minimum: 0,
      group: 'Optimisation',
      advanced: true,
      title: 'Weight decay',
      description: "AdamW's decoupled weight decay.",
    }),
    adam_beta1: Type.Number({
      default: 0.9,
      minimum: 0,
      exclusiveMaximum: 1,
      group: 'Optimisation',
      advanced: true,
      title: 'Adam beta 1',
      description: 'Decay of the first moment.',
    }),
    adam_beta2: Type.Number({
      default: 0.999,
      minimum: 0,
      exclusiveMaximum: 1,
      group: 'Optimisation',
      advanced: true,
      title: 'Adam beta 2',
      description: 'Decay of the second moment.',
    }),
    adam_epsilon: Type.Number({
      default: 1e-8,
      exclusiveMinimum: 0,
      group: 'Optimisation',
      advanced: true,
      title: 'Adam epsilon',
      description: 'Added to the denominator.',
    }),
    seed: Type.Integer({
      default: 42,
      minimum: 0,
      maximum: 4294967295,
      group: 'Optimisation',
      advanced: true,
      title: 'Seed',
      description: 'Seeds sampling and the order of the data.',
    }),

    // model and device
    dtype: choice<'float32' | 'bfloat16'>(['float32', 'bfloat16', 'auto' as 'float32'], {
      default: 'float32',
      group: 'Model',
      title: 'Precision',
      description: 'Precision of weights and activations; auto takes that in which the model is stored, and the run holds the one taken.',
    }),
    device: Type.String({
      default: 'auto',
      pattern: '^(auto|cpu|cuda|(cpu|cuda):\\d{1,3})$',
      expected: 'must be auto, cpu, cuda, or one of them by number, such as cuda:3',
      group: 'Model',
      advanced: true,
      title: 'Device',
      description:
        'Workbench. auto takes a GPU when there is one, and of several the one that has room. cuda:3 names one, counted from 0 among those that CUDA_VISIBLE_DEVICES leaves.',
    }),
    devices: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 1024,
      group: 'Model',
      advanced: true,
      title: 'Devices',
      description:
        'Workbench. Devices that the run takes, with a process on each; processes and dp_shards are as many where the configuration does not say.',
    }),
    exclusive: Type.Boolean({
      default: false,
      group: 'Model',
      advanced: true,
      title: 'Devices for itself',
      description: 'Workbench. The run waits until nobody is on its devices, and shares them with no other run and no evaluation.',
    }),
    processes: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 1024,
      group: 'Model',
      advanced: true,
      title: 'Processes',
      description: 'Workbench. Processes that train the run together, each with whole groups of its own; they share dp_shards equally.',
    }),
    dp_shards: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 1024,
      group: 'Model',
      advanced: true,
      title: 'Shards of a step',
      description:
        'Workbench. Parts that a step is cut into, a power of two. They decide the bits of a run; the number of processes, which divides it, does not.',
    }),
    ddp_timeout: Type.Number({
      default: 1800,
      exclusiveMinimum: 0,
      group: 'Model',
      advanced: true,
      title: 'Wait for other processes',
      unit: 's',
      description: 'How long a process of the run waits for the others before it ends with an error.',
    }),
    ddp_join_timeout: Type.Number({
      default: 600,
      exclusiveMinimum: 0,
      group: 'Model',
      advanced: true,
      title: 'Wait for processes at the start',
      unit: 's',
      description:
        "Workbench. How long processes that a launcher starts wait for each other before there is an error that names who did not come; the default is torchrun's (join_timeout).",
    }),
    freeze_vision: Type.Boolean({
      default: false,
      group: 'Model',
      advanced: true,
      title: 'Freeze the vision tower',
      description: 'Workbench. Train the language model alone.',
    }),
    use_peft: Type.Boolean({
      default: false,
      group: 'Model',
      advanced: true,
      title: 'LoRA',
      description: 'Train low-rank adapters in float32 and keep all else frozen; the reference is the model with the adapter off.',
    }),
    lora_r: Type.Integer({
      default: 16,
      minimum: 1,
      group: 'Model',
      advanced: true,
      title: 'LoRA rank',
      description: 'Rank of the adapters.',
    }),
    lora_alpha: Type.Integer({
      default: 32,
      minimum: 1,
      group: 'Model',
      advanced: true,
      title: 'LoRA alpha',
      description: 'Scale of the adapters is lora_alpha / lora_r.',
    }),
    lora_target_modules: nullable(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }), {
      default: null,
      group: 'Model',
      advanced: true,
      title: 'LoRA targets',
      description:
        "Linear layers that get an adapter, by the end of their path (q_proj, visual.merger.mlp.0), or all-linear, or one regular expression of the whole path; all of the decoder's when empty.",
    }),
    gradient_checkpointing: Type.Boolean({
      default: false,
      group: 'Model',
      advanced: true,
      title: 'Activation checkpointing',
      description: 'Keep only layer inputs and compute the rest again in the backward pass: less memory, about a third more time.',
    }),

    // keeping
    save_steps: Type.Number({
      default: 100,
      exclusiveMinimum: 0,
      group: 'Keeping',
      advanced: true,
      title: 'Checkpoint every',
      description: 'Steps between checkpoints; below 1 a share of all steps.',
      unit: 'steps',
    }),
    save_total_limit: nullable(Type.Integer({ minimum: 1 }), {
      default: 2,
      group: 'Keeping',
      advanced: true,
      title: 'Checkpoints kept',
      description:
        'Older ones are removed once a newer one is verified; the final one and those asked for by hand stay. All are kept when empty.',
    }),
    metric_for_best_model: nullable(Type.String({ minLength: 1 }), {
      default: null,
      group: 'Keeping',
      advanced: true,
      title: 'Best checkpoint by',
      description:
        'An evaluation metric, with or without eval_: the checkpoint where it was best stays beside the newest ones. None stays for its value when empty.',
    }),
    greater_is_better: nullable(Type.Boolean(), {
      default: null,
      group: 'Keeping',
      advanced: true,
      title: 'Greater is better',
      description:
        'Whether the best value of metric_for_best_model is the greatest; when empty it is, except of a metric that ends in loss.',
    }),
    eval_steps: Type.Number({
      default: 0,
      minimum: 0,
      group: 'Keeping',
      advanced: true,
      title: 'Evaluate every',
      description: 'Steps between evaluations on the held-out split; below 1 a share of all steps, 0 = never.',
      unit: 'steps',
    }),
    eval_samples: Type.Integer({
      default: 64,
      minimum: 1,
      group: 'Keeping',
      advanced: true,
      title: 'Evaluation items',
      description: 'Workbench. Fixed slice of the held-out split.',
    }),
    probe_steps: Type.Integer({
      default: 50,
      minimum: 0,
      group: 'Keeping',
      advanced: true,
      title: 'Check itself every',
      description:
        'Workbench. Steps between self-checks, the first at step 1; 0 = never. A check answers eight fixed questions and compares their log-probabilities through the training forward: with their image, with a grey one, with that of another question, and with what the sampler gave. It changes nothing that is trained.',
      unit: 'steps',
    }),
    trace_steps: nullable(Type.Array(Type.Integer({ minimum: 1 })), {
      default: null,
      group: 'Keeping',
      advanced: true,
      title: 'Traced steps',
      description:
        "Workbench. Numbers of steps whose every operator is recorded, with time, shapes and memory, in traces/ of the run's directory (Chrome trace JSON). A traced step takes longer.",
    }),
  },
  { additionalProperties: false, title: 'TrainConfig' },
);
export type TrainConfig = Type.Static<typeof TrainConfig>;
/** What a user writes: every key with a default may be left out. */
export type TrainConfigInput = Partial<TrainConfig> & Pick<TrainConfig, 'model_name_or_path' | 'dataset_name'>;
