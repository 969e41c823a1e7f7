/** The drawing as a file: SVG with its styles written in, or PNG at twice the size. */
const STYLES = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "text-anchor",
] as const; // biome-ignore format: one list

function standalone(svg: SVGSVGElement, width: number, height: number): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, n) => {
    const original = originals[n];
    if (!original || !(element instanceof SVGElement)) return;
    const computed = getComputedStyle(original);
    for (const style of STYLES) element.style.setProperty(style, computed.getPropertyValue(style));
    for (const name of ["tabindex", "role", "aria-label", "aria-pressed", "class"]) element.removeAttribute(name);
  });
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ground.setAttribute("width", String(width));
  ground.setAttribute("height", String(height));
  ground.setAttribute("fill", getComputedStyle(svg).backgroundColor);
  copy.querySelector("[data-world]")?.removeAttribute("transform");
  copy.prepend(ground);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return new XMLSerializer().serializeToString(copy);
}

export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function saveSvg(svg: SVGSVGElement, name: string, width: number, height: number): void {
  save(`${name}.svg`, new Blob([standalone(svg, width, height)], { type: "image/svg+xml" }));
}

export async function savePng(svg: SVGSVGElement, name: string, width: number, height: number): Promise<void> {
  const address = URL.createObjectURL(new Blob([standalone(svg, width, height)], { type: "image/svg+xml" }));
  const image = new Image();
  image.src = address;
  await image.decode();
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  const content = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (content) save(`${name}.png`, content);
}

export function saveJson(name: string, content: unknown): void {
  save(`${name}.json`, new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
}
