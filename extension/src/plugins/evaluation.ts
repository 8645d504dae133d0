import { evaluationIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'evaluation',
  description: 'Stored evaluations: accuracies with intervals and controls, comparisons, matrices.',
  command: CommandIDs.openEvaluation,
  text: (trans) => ({
    label: trans.__('Evaluation'),
    caption: trans.__('Accuracies with intervals and controls, comparisons and matrices'),
  }),
  icon: evaluationIcon,
  load: () => import('@medr1/widgets/evaluation/view'),
  tag: 'medr1-evaluation',
});
