/** What the plugins share, apart from how it is done: a plugin can be replaced by another that provides the same token. */
import { Token } from '@lumino/coreutils';
import type * as shared from '@medr1/widgets/store/workbench';

/** Connection, runs and selection of this page; one for all views. */
export type IWorkbench = shared.IWorkbench;

export const IWorkbench = new Token<IWorkbench>(
  '@medr1/workbench:IWorkbench',
  'Runs, selection and connection to the Med-R1 backend, shared by all views.',
);

export const TRANSLATION_DOMAIN = 'medr1_workbench';
export const PALETTE_CATEGORY = 'Med-R1';

export const CommandIDs = {
  showRuns: 'medr1:show-runs',
  openRunsTable: 'medr1:open-runs-table',
  openCurves: 'medr1:open-curves',
  openRollouts: 'medr1:open-rollouts',
  openPair: 'medr1:open-pair',
  openRewards: 'medr1:open-rewards',
  openNewRun: 'medr1:open-new-run',
  openData: 'medr1:open-data',
  openSample: 'medr1:open-sample',
  openAudit: 'medr1:open-audit',
  openEvaluation: 'medr1:open-evaluation',
  showInspector: 'medr1:show-inspector',
  copyLink: 'medr1:copy-link',
  openLink: 'medr1:open-link',
  openExample: 'medr1:open-example',
  sendToNotebook: 'medr1:send-to-notebook',
  arrangeTraining: 'medr1:arrange-training',
  arrangeData: 'medr1:arrange-data',
  openCompare: 'medr1:open-compare',
  arrangeCompare: 'medr1:arrange-compare',
  importRun: 'medr1:import-run',
  deleteRun: 'medr1:delete-run',
  offerUndo: 'medr1:offer-undo',
  openSearch: 'medr1:open-search',
  openAlerts: 'medr1:open-alerts',
  openLineage: 'medr1:open-lineage',
  openTrash: 'medr1:open-trash',
  runMenu: 'medr1:run-menu',
  runAction: 'medr1:run-action',
  overlayRun: 'medr1:overlay-run',
  compareRun: 'medr1:compare-run',
  renameRun: 'medr1:rename-run',
  pinRun: 'medr1:pin-run',
  archiveRun: 'medr1:archive-run',
  forkRun: 'medr1:fork-run',
  lineageRun: 'medr1:lineage-run',
  exportRun: 'medr1:export-run',
  select: 'medr1:select',
  showKeys: 'medr1:show-keys',
  takeTour: 'medr1:take-tour',
} as const;
