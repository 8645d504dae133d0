/** Lint rules. What a folder may import stands in layers.ts. */
import { relative } from 'node:path';
import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';
import { importProblem } from './layers.ts';

/** Imports by the table of layers.ts: import, export from, import() and import('...').Type. */
const layers = {
  create(context) {
    const file = relative(context.cwd, context.filename).replaceAll('\\', '/');
    const check = (node) => {
      const specifier = node.source?.value;
      const message = typeof specifier === 'string' ? importProblem(file, specifier) : null;
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
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

/** The wall clock jumps: when a machine wakes, when it hears the time of others, when somebody sets it. */
const noWallClock = {
  selector: "BinaryExpression[operator=/^[-+]$/] > CallExpression[callee.object.name='Date'][callee.property.name='now']",
  message: 'How long something takes is told by performance.now(), which never jumps.',
};

/** A terminal obeys control characters, and what a command prints holds text from elsewhere. */
const noOtherOutput = {
  selector: "MemberExpression[object.object.name='process'][object.property.name=/^std(out|err)$/][property.name='write']",
  message: 'Commands print by output.ts, which shows control characters and obeys none.',
};

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
      'extension/medr1_workbench/static/',
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
  { files: ['**/*.ts', '**/*.mjs'], plugins: { ours: { rules: { layers } } }, rules: { 'ours/layers': 'error' } },
  {
    files: ['extension/src/**/*.ts'],
    plugins: { jupyter },
    rules: {
      ...labRules.rules,
      // Models, icons and small helpers of ours, and what must stand before a notebook draws its outputs; views and charts are what must come late.
      'jupyter/prefer-lazy-imports': [
        'error',
        {
          ignoreImports: [
            '../icons.ts',
            '../live-output.ts',
            '../main-view.ts',
            '../view.ts',
            './view.ts',
            '@medr1/widgets/*',
            '!@medr1/widgets/*/view',
          ],
        },
      ],
    },
  },
  { ...schemaRules, files: ['extension/schema/*.json'], plugins: { jupyter } },
  { files: ['kernel-bridge/src/**/*.ts'], ignores: ['**/*.test.ts'], rules: { 'no-restricted-syntax': ['error', noWallClock] } },
  {
    files: ['kernel-bridge/src/cli/**/*.ts'],
    ignores: ['**/*.test.ts', '**/docs.ts', '**/output.ts'],
    rules: { 'no-restricted-syntax': ['error', noWallClock, noOtherOutput], 'no-console': 'error' },
  },
  { files: ['{widgets,extension}/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...noMarkup], 'no-console': 'error' } },
);
