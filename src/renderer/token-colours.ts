/**
 * A colour of `theme.css` as the present theme has it, for what CSS does not reach: a canvas, an exported picture.
 * The value of the token itself would still be a `light-dark()`.
 */
export function tokenColour(token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${token})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
