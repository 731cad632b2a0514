/**
 * The first items of a long list in a given order, without sorting the list: a heap keeps the best ones so far, its worst on top.
 *
 *   add, add, add … ─▶ heap of at most `max` items ─▶ sorted
 */
import { PAUSE, Pace, type Sliced } from "./sliced.ts";

/** Units of work per item that is taken from a heap. */
const POP_UNITS = 8;

export class TopList<T> {
  private readonly heap: T[] = [];

  /**
   * @param max most items to keep
   * @param compare below 0 if the first argument comes before the second
   */
  constructor(
    private readonly max: number,
    private readonly compare: (a: T, b: T) => number,
  ) {}

  add(item: T): void {
    const { heap, max, compare } = this;
    if (heap.length < max) {
      heap.push(item);
      this.rise(heap.length - 1);
    } else if (max > 0 && compare(item, heap[0]) < 0) {
      heap[0] = item;
      this.sink(heap.length);
    }
  }

  /** The kept items in order. Uses up the list. */
  *sorted(): Sliced<T[]> {
    const { heap } = this;
    const pace = new Pace();
    for (let size = heap.length - 1; size > 0; size--) {
      const worst = heap[0];
      heap[0] = heap[size];
      heap[size] = worst;
      this.sink(size);
      if (pace.due(POP_UNITS)) yield PAUSE;
    }
    return heap;
  }

  private rise(start: number): void {
    const { heap, compare } = this;
    const item = heap[start];
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent], item) >= 0) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  /** Moves the top to its place among the first `size` items. */
  private sink(size: number): void {
    const { heap, compare } = this;
    const item = heap[0];
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && compare(heap[child + 1], heap[child]) > 0) child++;
      if (compare(heap[child], item) <= 0) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  }
}
