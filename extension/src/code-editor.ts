/** JupyterLab's editor for source texts of views, with the language, theme and key bindings that the user has set. */
import { CodeEditor, type IEditorServices } from '@jupyterlab/codeeditor';
import type { CreateCodeEditor } from '@medr1/widgets/code-editor';

export const labCodeEditor =
  ({ factoryService, mimeTypeService }: IEditorServices): CreateCodeEditor =>
  ({ host, source, file, label, onChange }) => {
    const model = new CodeEditor.Model({ mimeType: mimeTypeService.getMimeTypeByFilePath(file) });
    const { sharedModel } = model;
    sharedModel.setSource(source);
    const editor = factoryService.newDocumentEditor({ host, model, config: { lineNumbers: true, lineWrap: true, scrollPastEnd: false } });
    host.querySelector('.cm-content')?.setAttribute('aria-label', label);
    const told = (): void => onChange(sharedModel.getSource());
    sharedModel.changed.connect(told);
    return {
      setSource: (text) => sharedModel.setSource(text),
      showLine: (number) => {
        const line = Math.min(number, editor.lineCount) - 1;
        const [start, end] = [
          { line, column: 0 },
          { line, column: editor.getLine(line)?.length ?? 0 },
        ];
        editor.focus();
        editor.setSelection({ start, end });
        editor.revealPosition(start);
      },
      dispose: () => {
        sharedModel.changed.disconnect(told);
        editor.dispose();
        model.dispose();
        host.replaceChildren();
      },
    };
  };
