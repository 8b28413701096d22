/** Gives the keyboard to the inspector: to its tab, or to the whole of it where there are no tabs. */
export function focusInspector(): void {
  // What was just asked for is drawn with the next frame.
  requestAnimationFrame(() => {
    const inspector = document.querySelector<HTMLElement>('[data-region="inspector"]');
    (inspector?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]') ?? inspector)?.focus();
  });
}
