/**
 * Keys of TRL 1.16 (GRPOConfig, SFTConfig, ModelConfig, ScriptArguments), of transformers' TrainingArguments and of their earlier versions that a
 * configuration does not take here, each with what does its job. test/parity/trl-keys.test.ts holds the list against the real classes.
 */

const GROUPS: [keys: string, instead: string][] = [
  ['output_dir overwrite_output_dir', 'A run lies in .medr1/runs, and run_name names it.'],
  ['warmup_ratio', 'warmup_steps below 1 is the share of all steps: warmup_steps: 0.1.'],
  ['torch_dtype model_init_kwargs', 'dtype is the precision of weights and activations: float32, bfloat16 or auto.'],
  [
    'bf16 fp16 bf16_full_eval fp16_full_eval tf32 half_precision_backend cast_lm_head_to_fp32',
    'dtype is the precision of weights and activations (dtype: bfloat16), and bf16_update how bfloat16 weights are updated.',
  ],
  [
    'report_to logging_dir project trackio_space_id trackio_bucket_id trackio_static_space_id log_completions log_completions_hub_repo log_multimodal log_unique_prompts num_completions_to_print log_on_each_node log_level log_level_replica disable_tqdm',
    'Every step and every completion is kept in the run; Curves and Rollouts show them, and medr1 runs export writes tables.',
  ],
  [
    'logging_steps logging_strategy logging_first_step logging_nan_inf_filter include_num_input_tokens_seen include_tokens_per_second skip_memory_metrics',
    'Every step is logged, with its tokens, times and memory.',
  ],
  ['max_prompt_length', 'Prompts are never cut; max_pixels bounds the tokens of an image.'],
  [
    'max_length truncation_mode packing packing_strategy padding_free eval_packing pad_to_multiple_of pad_token eos_token',
    'Sequences are neither cut, packed nor padded to a multiple; max_pixels and max_completion_length bound them.',
  ],
  ['completion_only_loss assistant_only_loss', 'SFT learns from the answer alone.'],
  [
    'generation_batch_size steps_per_generation',
    'per_device_train_batch_size times gradient_accumulation_steps completions are sampled for a step, and num_iterations is how many updates use them.',
  ],
  [
    'num_generations_eval per_device_eval_batch_size eval_accumulation_steps',
    'Evaluations answer each question once; eval_samples is how many.',
  ],
  ['eval_strategy evaluation_strategy do_eval', 'eval_steps is the distance between evaluations in steps, and 0 makes none.'],
  [
    'eval_on_start eval_delay',
    'medr1 eval asks the model before training; eval_steps is the distance between evaluations while it trains.',
  ],
  [
    'prediction_loss_only eval_do_concat_batches eval_use_gather_object include_for_metrics include_inputs_for_metrics batch_eval_metrics label_names',
    'Evaluations give accuracy and the rewards; eval_steps and eval_samples set them.',
  ],
  ['save_strategy', 'save_steps is the distance between checkpoints in steps, and metric_for_best_model keeps the best one too.'],
  [
    'save_only_model save_on_each_node save_safetensors enable_jit_checkpoint',
    'A checkpoint is whole, in safetensors; medr1 runs export --format model writes the weights alone.',
  ],
  ['load_best_model_at_end', 'metric_for_best_model keeps the best checkpoint beside the newest ones.'],
  [
    'push_to_hub hub_token hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision push_to_hub_model_id push_to_hub_organization push_to_hub_token',
    'Nothing is sent anywhere; medr1 runs export --format model writes a directory that you can upload.',
  ],
  ['resume_from_checkpoint', 'medr1 train --resume RUN goes on with a run, and model_name_or_path takes a checkpoint.'],
  ['ignore_data_skip restore_callback_states_from_checkpoint', 'A resumed run goes on as if it had never stopped.'],
  ['data_seed full_determinism', 'seed seeds sampling and the order of the data, and equal settings give equal bits.'],
  ['shuffle_dataset train_sampling_strategy group_by_length length_column_name', 'Questions come in an order that follows from seed.'],
  ['use_cpu no_cuda', 'device is where the run computes: device: cpu.'],
  [
    'fsdp fsdp_config deepspeed accelerator_config parallelism_config ds3_gather_for_generation local_rank ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph ddp_backend average_tokens_across_devices',
    'processes is the number of processes, and dp_shards how many share one set of gradients and moments.',
  ],
  [
    'use_vllm vllm_mode vllm_model_impl vllm_enable_sleep_mode vllm_structured_outputs_regex vllm_guided_decoding_regex vllm_server_base_url vllm_server_host vllm_server_port vllm_server_timeout vllm_group_port vllm_gpu_memory_utilization vllm_max_model_length vllm_tensor_parallel_size vllm_importance_sampling_correction vllm_importance_sampling_mode vllm_importance_sampling_clip_max vllm_importance_sampling_clip_min vllm_importance_sampling_cap use_transformers_continuous_batching transformers_continuous_batching_config use_transformers_paged cache_implementation',
    'The model that is trained samples by itself, with the log-probabilities of training: take the key out.',
  ],
  ['generation_kwargs', 'temperature, top_p, top_k, min_p, repetition_penalty and max_completion_length set sampling.'],
  [
    'chat_template_kwargs chat_template_path',
    "The chat template is that of the model's directory; prompt_template is the text of the user's turn.",
  ],
  ['max_tool_calling_iterations', 'Completions call no tools: take the key out.'],
  [
    'sync_ref_model ref_model_mixup_alpha ref_model_sync_steps',
    'The reference is the model as the run began; beta is the weight of its KL term.',
  ],
  [
    'top_entropy_quantile entropy_coef use_adaptive_entropy entropy_coef_min entropy_coef_max entropy_coef_delta entropy_target off_policy_mask_threshold router_aux_loss_coef',
    'The loss has no such term here; loss_type, epsilon, epsilon_high, delta and beta set it.',
  ],
  ['disable_dropout', 'Models are trained without dropout: take the key out.'],
  ['optim_args optim_target_modules adafactor', 'optim, adam_beta1, adam_beta2, adam_epsilon and weight_decay set the optimiser.'],
  ['label_smoothing_factor neftune_noise_alpha', 'Training neither smooths labels nor adds noise: take the key out.'],
  [
    'activation_checkpointing activation_checkpointing_kwargs gradient_checkpointing_kwargs activation_offloading',
    'gradient_checkpointing: true keeps only the inputs of layers.',
  ],
  [
    'torch_compile torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config use_cache jit_mode_eval use_ipex torch_empty_cache_steps auto_find_batch_size attn_implementation',
    'The workbench has kernels of its own and no such switch; the estimate of New run and medr1 replay tell whether a batch fits.',
  ],
  ['model_revision trust_remote_code', 'model_name_or_path is a directory on disk, read as it is; no code of it is run.'],
  ['lora_dropout', 'Adapters are trained without dropout: take the key out.'],
  [
    'lora_target_parameters lora_modules_to_save lora_task_type use_rslora use_dora',
    'lora_r, lora_alpha and lora_target_modules set the adapter, which is plain LoRA on linear layers.',
  ],
  [
    'load_in_8bit load_in_4bit bnb_4bit_quant_type use_bnb_nested_quant bnb_4bit_quant_storage',
    'Weights are not quantised; dtype: bfloat16 and use_peft: true take the least memory.',
  ],
  [
    'dataset_config dataset_streaming dataset_text_field dataset_kwargs dataset_num_proc ignore_bias_buffers',
    'dataset_name is an indexed data set or a directory, and dataset_train_split, modality and question_type choose of it.',
  ],
  [
    'dataloader_drop_last dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order remove_unused_columns',
    'Questions and images are read by the workbench as they are needed: take the key out.',
  ],
  ['per_gpu_train_batch_size', 'per_device_train_batch_size is its name in TRL 1.16.'],
  ['do_train do_predict debug', 'medr1 train trains and medr1 eval evaluates: take the key out.'],
];

/** Key -> the sentence that says what to do instead. */
export const INSTEAD: ReadonlyMap<string, string> = new Map(
  GROUPS.flatMap(([keys, instead]) => keys.split(' ').map((key): [string, string] => [key, instead])),
);
