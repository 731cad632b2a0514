import { expect, test } from "bun:test";
import { block, FunctionCode, get, i32, i64, leave, leaveIf, loop, moduleBytes, set, ValueType, when } from "./wasm-module.ts";

function instantiate(functions: FunctionCode[]): { call: Record<string, (...values: number[]) => number>; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(1, functions)), { host: { memory } });
  return { call: exports as Record<string, (...values: number[]) => number>, memory };
}

test("functions have parameters, variables, loops, conditions and memory", () => {
  const sum = new FunctionCode("sumOfBytes", [ValueType.I32, ValueType.I32], ValueType.I32);
  const total = sum.local(ValueType.I32);
  sum.define(
    block(
      loop(
        leaveIf(1, i32.equal(get(0), get(1))),
        set(total, i32.add(get(total), i32.load8(get(0)))),
        set(0, i32.add(get(0), i32.const(1))),
        leave(0),
      ),
    ),
    get(total),
  );
  const choose = new FunctionCode("choose", [ValueType.I32], ValueType.I32);
  choose.define(when(get(0), set(0, i32.const(-129)), set(0, i32.const(2 ** 31))), get(0));
  const { call, memory } = instantiate([sum, choose]);
  new Uint8Array(memory.buffer).set([200, 100, 7], 300);
  expect(call.sumOfBytes(300, 303)).toBe(307);
  expect([call.choose(1), call.choose(0)]).toEqual([-129, -(2 ** 31)]);
});

test("constants of every size are encoded exactly", () => {
  const store = new FunctionCode("store", [], null);
  const values = [0n, -1n, 63n, 64n, -64n, -65n, 2n ** 63n - 1n, -(2n ** 63n), 0x9e3779b97f4a7c15n];
  store.define(...values.map((value, index) => i64.store(i32.const(1000), i64.const(value), index * 8)));
  const { call, memory } = instantiate([store]);
  call.store();
  const view = new DataView(memory.buffer, 1000);
  expect(values.map((_, index) => view.getBigInt64(index * 8, true))).toEqual(values.map(value => BigInt.asIntN(64, value)));
});

test("the engine refuses a function whose types do not fit", () => {
  const wrong = new FunctionCode("wrong", [], ValueType.I32).define(i64.const(1n));
  expect(() => new WebAssembly.Module(moduleBytes(1, [wrong]))).toThrow(WebAssembly.CompileError);
});
