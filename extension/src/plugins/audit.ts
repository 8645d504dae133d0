import { auditIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'audit',
  description: 'What leaks from train to test, what gives answers away, what cannot be used.',
  command: CommandIDs.openAudit,
  text: (trans) => ({
    label: trans.__('Audit'),
    caption: trans.__('Leaks, shortcuts and duplicates of a data set'),
  }),
  icon: auditIcon,
  load: () => import('@medr1/widgets/audit/view'),
  tag: 'medr1-audit',
});
