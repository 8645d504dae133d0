/** Lint rules. The table LAYERS is DESIGN.md's one-way imports: what a folder may know. */
import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Folder of kernel-bridge/src -> folders beside it that it may import. `protocol` is open to all, `files` to all that run on Node. */
const LAYERS = {
  protocol: [],
  files: [],
  client: [],
  'client/node.ts': ['runs', 'server'],
  torch: [],
  models: ['torch'],
  rewards: [],
  stats: [],
  log: [],
  data: [],
  rl: ['stats', 'torch', 'models', 'rewards', 'data'],
  evals: ['stats', 'log', 'data', 'runs'],
  runs: ['log', 'data', 'rewards'],
  worker: ['log', 'torch', 'models', 'rl', 'rewards', 'data', 'evals', 'runs'],
  reproduce: ['stats', 'log', 'rl', 'data', 'evals', 'rewards', 'runs', 'client', 'server'],
  server: ['log', 'runs', 'data', 'evals', 'rewards', 'client'],
};
const FOLDERS = [...Object.keys(LAYERS).filter((name) => !name.includes('/')), 'cli'];
const IN_BROWSERS = ['protocol', 'client'];
const TESTS = '**/*.test.ts';

const layerRule = ([folder, named]) => {
  const allowed = IN_BROWSERS.includes(folder) ? named : ['files', ...named];
  const forbidden = FOLDERS.filter((name) => name !== folder && name !== 'protocol' && !allowed.includes(name));
  return {
    files: [`kernel-bridge/src/${folder.endsWith('.ts') ? folder : `${folder}/**/*.ts`}`],
    ignores: [TESTS],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
              message: `Imports point one way: src/${folder} may import ${['protocol', ...allowed].join(', ')} only.`,
            },
          ],
        },
      ],
    },
  };
};

const onlyPublicParts = {
  regex: '^@medr1/kernel-bridge(?!/(protocol(/[\\w-]+)?|client)$)|(^|/)kernel-bridge/src',
  message: 'The front end knows the backend by @medr1/kernel-bridge/protocol and @medr1/kernel-bridge/client.',
};

/** Model output and data set text are untrusted: they reach the page as text nodes only. */
const noMarkup = [
  ...['innerHTML', 'outerHTML'].map((name) => ({
    selector: `AssignmentExpression > MemberExpression.left[property.name='${name}']`,
    message: `${name} runs markup; set textContent, or let Lit make the nodes.`,
  })),
  {
    selector:
      'CallExpression[callee.property.name=/^(insertAdjacentHTML|createContextualFragment|write|writeln)$/][callee.object.name=/^(document|element|el|range|this)$/]',
    message: 'Markup from a string: make nodes instead.',
  },
  {
    selector: 'ImportDeclaration[source.value=/^lit.*unsafe-/]',
    message: 'The unsafe- directives run markup; untrusted text is a text node.',
  },
];

const [labRules, schemaRules] = jupyter.configs.recommended;

export default tseslint.config(
  {
    ignores: [
      '**/lib/',
      '**/dist/',
      '**/node_modules/',
      '.venv/',
      '.medr1/',
      'test/output/',
      '**/labextension/',
      '**/native/build/',
      '**/aten.d.ts',
    ],
  },
  ...tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-expressions': ['error', { allowShortCircuit: true, allowTernary: true }],
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-eval': 'error',
      'no-new-func': 'error',
      'prefer-const': 'error',
    },
  },
  ...Object.entries(LAYERS).map(layerRule),
  {
    files: ['widgets/src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            onlyPublicParts,
            {
              regex: '^(@jupyterlab|@lumino|@jupyter|@jupyter-widgets)/',
              message: 'widgets/ imports nothing of Jupyter: it also lives in notebooks outside Lab.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['extension/src/**/*.ts'],
    plugins: { jupyter },
    rules: {
      ...labRules.rules,
      // Models and small helpers of ours; views and charts are what must come late.
      'jupyter/prefer-lazy-imports': [
        'error',
        { ignoreImports: ['../main-view.ts', '../view.ts', './view.ts', '@medr1/widgets/*', '!@medr1/widgets/*/view'] },
      ],
      'no-restricted-imports': ['error', { patterns: [onlyPublicParts] }],
    },
  },
  { ...schemaRules, files: ['extension/schema/*.json'], plugins: { jupyter } },
  { files: ['{widgets,extension}/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...noMarkup], 'no-console': 'error' } },
);
