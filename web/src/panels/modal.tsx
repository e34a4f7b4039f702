// A native dialog: the focus stays in it and goes back to where it was, Escape closes it.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { dialog } from "../store";

export function Modal({ title, stays = false, children }: { title: string; stays?: boolean; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { // before the next key is pressed, not after the next painting
    const before = document.activeElement as HTMLElement | null;
    box.current!.showModal();
    box.current!.scrollTop = 0; // what has the focus may stand at its end; it is read from its beginning
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={box} aria-labelledby="dialog-title" onCancel={(e) => (stays ? e.preventDefault() : (dialog.value = null))}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
