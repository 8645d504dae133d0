import { IEditorServices } from '@jupyterlab/codeeditor';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { labCodeEditor } from '../code-editor.ts';
import { labFiles } from '../files.ts';
import { rewardsIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'rewards',
  description: 'Reward functions of a run: live weights, sources, previews.',
  command: CommandIDs.openRewards,
  text: (trans) => ({
    label: trans.__('Rewards'),
    caption: trans.__('Reward functions and their weights, changed while training'),
  }),
  icon: rewardsIcon,
  load: () => import('@medr1/widgets/rewards/view'),
  tag: 'medr1-rewards',
  dirty: ({ rewardDrafts }) => ({ changes: rewardDrafts, now: () => Object.keys(rewardDrafts.value).length > 0 }),
  optional: [IDocumentManager, IEditorServices],
  setUp: ({ trans }, manager, services) => ({
    properties: { files: manager && labFiles(manager, trans), createEditor: services && labCodeEditor(services) },
  }),
});
