// JavaScript runs on one thread; the autograd engine calls a node on the thread of its device. With a GPU that is another
// thread, so backward then runs away from the JavaScript thread, which meanwhile serves the callbacks that come back:
//
//   JavaScript thread             helper or device thread
//   runEngine(backward) --------> engine.execute
//     serves callbacks  <-------- callOnJsThread(JsNode's function)
//       grad() inside   --------> the waiting thread runs this nested backward: the engine knows it as one of its own
#pragma once

#include <functional>

namespace medr1 {

// Names the calling thread as JavaScript's; false when another one is already.
bool adoptJsThread();
bool onJsThread();

// Runs a backward from the JavaScript thread; on it where `threaded` is false.
void runEngine(bool threaded, const std::function<void()>& work);

// Runs `callback` on the JavaScript thread, which must be inside runEngine, and waits; exceptions come back.
void callOnJsThread(const std::function<void()>& callback);

}  // namespace medr1
