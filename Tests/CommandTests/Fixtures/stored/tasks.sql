-- A database that swprof 0.1.0 has written: 'sqlite3 tasks.db .dump', and what a dump leaves out.
PRAGMA auto_vacuum=2;
PRAGMA application_id=1937207410;
PRAGMA user_version=5;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1');
INSERT INTO grdb_migrations VALUES('2');
INSERT INTO grdb_migrations VALUES('3');
INSERT INTO grdb_migrations VALUES('4');
INSERT INTO grdb_migrations VALUES('5');
CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  parameters TEXT NOT NULL, -- JSON object
  host TEXT NOT NULL,
  kernel TEXT NOT NULL,
  started_at INTEGER NOT NULL, -- ns since the Unix epoch
  ended_at INTEGER,
  status TEXT NOT NULL,
  error TEXT,
  ticks INTEGER NOT NULL,
  taken INTEGER NOT NULL,
  losses TEXT NOT NULL, -- JSON object, samples by cause
  defects TEXT NOT NULL, -- JSON object, samples by cause
  note TEXT,
  trigger TEXT, -- JSON document
  warnings TEXT NOT NULL, -- JSON array
  owner_pid INTEGER NOT NULL,
  owner_start_ticks INTEGER NOT NULL,
  owner_boot_id TEXT NOT NULL,
  owner_pid_namespace INTEGER NOT NULL
, lost_ns INTEGER NOT NULL DEFAULT 0, left_out TEXT NOT NULL DEFAULT '{}') STRICT;
INSERT INTO task VALUES(1,'oncpu','pid 100 (bench)','{"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795408891250000000,1795408901251000000,'done',NULL,1008,1000,'{"ring_buffer_full":8}','{"frame_unresolved":14,"stack_too_deep":30}','before the change',NULL,'["kernel symbols are hidden by kptr_restrict"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(2,'oncpu','command ./bench -n 3','{"event":"cpu-clock","frequencyHertz":999,"includeChildren":false,"jitterSeed":4711,"side":"user","unwind":"fp"}','build-7','6.1.0-18-amd64',1795408951250000000,1795408961251000000,'done',NULL,240,238,'{"record_malformed":2}','{"caller_doubted":51,"caller_guessed":21,"frame_unresolved":21,"sampling_throttled":1,"stack_broken":12,"stack_too_deep":10,"stack_unreadable":11}',NULL,NULL,'[]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(3,'offcpu','pid 100 (bench)','{"durationNanoseconds":10000000000,"event":"sched_switch","includeChildren":true,"offCPU":{"kernelThreads":false,"minimumNanoseconds":1000,"phases":["blocked","runqueue"],"wakers":false},"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409011250000000,1795409021251000000,'done',NULL,1043,1035,'{"interval_table_full":8}','{}','before the change',NULL,'["kernel symbols are hidden by kptr_restrict"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,3000000,'{"blocked":{"count":1200,"nanoseconds":900000}}');
INSERT INTO task VALUES(4,'offcpu','comm bench','{"durationNanoseconds":10000000000,"event":"sched_switch","includeChildren":true,"offCPU":{"kernelThreads":true,"maximumNanoseconds":20000000000,"minimumNanoseconds":0,"phases":["blocked","runqueue","preempted"],"states":["D","S"],"wakers":true},"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409071250000000,1795409081251000000,'done',NULL,1035,1035,'{}','{"switch_missed":1,"thread_name_lost":1,"wakeup_missed":2}',NULL,NULL,'["kernel symbols are hidden by kptr_restrict"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{"runqueue":{"count":7,"nanoseconds":5000}}');
INSERT INTO task VALUES(5,'network','comm nginx','{"durationNanoseconds":10000000000,"event":"sock_send_length","includeChildren":true,"network":{"bodyBytes":4096,"callTimes":false,"foldsIdentifiers":false,"reasons":["slow","4xx","5xx"],"samplesPerEndpoint":10,"slowerThanNanoseconds":250000000,"uris":["^/api"]},"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409131250000000,1795409141251000000,'done',NULL,133,131,'{"ring_buffer_full":2}','{}','before the change',NULL,'["1 process could not be examined"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(6,'oncpu','pid 100 (bench)','{"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both","unwind":"dwarf"}','build-7','6.1.0-18-amd64',1795409191250000000,1795409201251000000,'done',NULL,1000,1000,'{}','{}',NULL,'{"period_s":10,"unit":"%","fired_at":{"nanoseconds":1795409191250000000},"threshold":80,"count":3,"metric":"process_cpu","policy":"checkout","pid":100,"process_name":"bench","host_load":1.25,"cooldown_s":600,"values":[12,null,81,92.5,40,99,100.1,3,80,79.9],"lookback_ns":5000000000}','[]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(7,'oncpu','pid 100 (sleep)','{"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409251250000000,1795409261251000000,'done',NULL,0,0,'{}','{}',NULL,NULL,'[]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(8,'network','pid 100 (sleep)','{"durationNanoseconds":10000000000,"event":"sock_send_length","includeChildren":true,"network":{"bodyBytes":0,"callTimes":false,"foldsIdentifiers":false,"reasons":["slow","4xx","5xx"],"samplesPerEndpoint":10,"slowerThanNanoseconds":250000000,"uris":[]},"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409311250000000,1795409321251000000,'done',NULL,0,0,'{}','{}',NULL,NULL,'[]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(9,'oncpu','command ./missing','{"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409371250000000,1795409372250000000,'failed','cannot run ''./missing'': No such file or directory',1008,1000,'{"ring_buffer_full":8}','{"frame_unresolved":14,"stack_too_deep":30}','before the change','{"rule": "cpu > 80 %", "values": [81, 92.5]}','["kernel symbols are hidden by kptr_restrict"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
INSERT INTO task VALUES(10,'oncpu','all processes','{"durationNanoseconds":10000000000,"event":"cpu-clock","frequencyHertz":99,"includeChildren":true,"side":"both","unwind":"fp"}','build-7','6.1.0-18-amd64',1795409431250000000,NULL,'running',NULL,1008,1000,'{"ring_buffer_full":8}','{"frame_unresolved":14,"stack_too_deep":30}','before the change','{"rule": "cpu > 80 %", "values": [81, 92.5]}','["kernel symbols are hidden by kptr_restrict"]',100,1,'00000000-0000-0000-0000-000000000000',4026531836,0,'{}');
CREATE TABLE profile (
  task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
  stacks BLOB NOT NULL -- see StackTreeCoding
, timeline BLOB) STRICT;
INSERT INTO profile VALUES(1,X'000400010203030304040406030506070901080a010900030a0404',X'8094ebdc0300010800012900011700010600010300010900010100010701010900012900011700010600010300010a00010100010701010900012900011700010600010300010900010200010701010900012900011700010600010300010a00010100010701010900012a00011700010600010300010900010200010701010800012900011700010600010300010a00010100010701010900012900011700010600010300010900010100010701010900012900011700010600010300010a00010200010701010900012900011700010600010300010900010100010701000100010900012a00011700010600010300010a000102000107');
INSERT INTO profile VALUES(2,X'0003000102000303010400030501060003070108000309010a00030b010c00030d010e00030f01100003110112000413141516040317181906011a',X'8094ebdc03000001000101000101000101000101000101000101000101000101000102000103000105010001000101000101000101000101000102000102000102000102000102000103000106010001000101000101000101000102000101000101000102000102000102000104000105010001000101000101000102000101000102000102000101000102000102000103000106010001000101000102000101000102000101000102000102000102000102000104000105010001000101000101000101000101000102000101000102000101000102000103000106010001000101000101000102000101000101000102000101000102000102000103000105010001000101000101000101000102000102000101000102000102000102000104000106010001000101000101000101000101000101000102000102000102000102000103000105010001000102000102000102000102000102000102000102000102000103000104000106');
INSERT INTO profile VALUES(3,X'000e00010203040506070809050a010b08010c0e040d0e0f10120211120006131415041617000518191a1b1c',NULL);
INSERT INTO profile VALUES(4,X'000e00010203040506070809050a010b08010c0e040d0e0f10120211120006131415041617000518191a1b1c',NULL);
INSERT INTO profile VALUES(6,X'000400010203030304040406030506070901080a010900030a0404',X'8094ebdc0300010800012900011700010600010300010900010100010701010900012900011700010600010300010a00010100010701010900012900011700010600010300010900010200010701010900012900011700010600010300010a00010100010701010900012a00011700010600010300010900010200010701010800012900011700010600010300010a00010100010701010900012900011700010600010300010900010100010701010900012900011700010600010300010a00010200010701010900012900011700010600010300010900010100010701000100010900012a00011700010600010300010a000102000107');
INSERT INTO profile VALUES(7,X'',NULL);
CREATE TABLE module (
  task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
  number INTEGER NOT NULL, -- from 0, without gaps
  path TEXT NOT NULL,
  build_id TEXT,
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
INSERT INTO module VALUES(1,0,'/opt/bench/bin/bench','0123456789abcdef0123456789abcdef01234567');
INSERT INTO module VALUES(1,1,'/usr/lib/x86_64-linux-gnu/libc.so.6',NULL);
INSERT INTO module VALUES(1,2,'[kernel]',NULL);
INSERT INTO module VALUES(2,0,'/opt/bench/bin/bench','feedc0de');
INSERT INTO module VALUES(2,1,'/opt/bench/lib/libwork.so.1 (deleted)',NULL);
INSERT INTO module VALUES(3,0,'/opt/bench/bin/bench',NULL);
INSERT INTO module VALUES(3,1,'/usr/lib/x86_64-linux-gnu/libc.so.6',NULL);
INSERT INTO module VALUES(3,2,'[kernel]',NULL);
INSERT INTO module VALUES(4,0,'/opt/bench/bin/bench',NULL);
INSERT INTO module VALUES(4,1,'/usr/lib/x86_64-linux-gnu/libc.so.6',NULL);
INSERT INTO module VALUES(4,2,'[kernel]',NULL);
INSERT INTO module VALUES(6,0,'/opt/bench/bin/bench','0123456789abcdef0123456789abcdef01234567');
INSERT INTO module VALUES(6,1,'/usr/lib/x86_64-linux-gnu/libc.so.6',NULL);
INSERT INTO module VALUES(6,2,'[kernel]',NULL);
CREATE TABLE frame (
  task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
  number INTEGER NOT NULL, -- from 0, without gaps
  function TEXT NOT NULL,
  module INTEGER, -- module.number
  address INTEGER NOT NULL,
  origin INTEGER NOT NULL, -- raw value of FrameOrigin
  is_inlined INTEGER NOT NULL,
  source_file TEXT,
  source_line INTEGER,
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
INSERT INTO frame VALUES(1,0,'_start',0,4096,0,0,NULL,NULL);
INSERT INTO frame VALUES(1,1,'main',0,4384,0,0,'/src/bench.c',42);
INSERT INTO frame VALUES(1,2,'compute(std::vector<int, std::allocator<int>> const&)',0,4608,0,0,NULL,NULL);
INSERT INTO frame VALUES(1,3,'square',0,4608,0,1,NULL,NULL);
INSERT INTO frame VALUES(1,4,'fib',0,4864,0,0,NULL,NULL);
INSERT INTO frame VALUES(1,5,'memcpy',1,36864,0,0,NULL,NULL);
INSERT INTO frame VALUES(1,6,'ksys_write',2,-2130706416,1,0,NULL,NULL);
INSERT INTO frame VALUES(1,7,'copy_from_user',2,-2130702592,1,0,NULL,NULL);
INSERT INTO frame VALUES(1,8,'[libc.so.6+0x1234]',1,4660,3,0,NULL,NULL);
INSERT INTO frame VALUES(1,9,replace('LazyCompile:~<run>&"]]>'' [u8; 8]\n[31m','\n',char(10)),NULL,139637976731648,2,0,NULL,NULL);
INSERT INTO frame VALUES(1,10,'[truncated: no frame pointer]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,0,'[truncated: too deep]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,1,'work',0,8196,0,0,'/src/work.c',10);
INSERT INTO frame VALUES(2,2,'part0',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,3,'[truncated: stack not in memory]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,4,'part1',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,5,'[truncated: no frame pointer]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,6,'part2',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,7,'[truncated: address outside any code]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,8,'part3',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,9,'[truncated: unwind rule not supported]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,10,'part4',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,11,'[truncated: unwind rule leads astray]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,12,'part5',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,13,'[truncated: unwind table not ready]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,14,'part6',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,15,'[truncated: caller may be missing]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,16,'part7',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,17,'[truncated: 32-bit code, frames may be missing]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,18,'part8',0,8197,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,19,'main',0,8196,0,0,'/src/work.c',10);
INSERT INTO frame VALUES(2,20,'work',0,8196,0,0,'/src/work.c',11);
INSERT INTO frame VALUES(2,21,'[guessed caller]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,22,'[code at 0x7f0000001000]',NULL,139637976731712,3,0,NULL,NULL);
INSERT INTO frame VALUES(2,23,'[caller may be missing]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(2,24,'leaf',0,8196,0,0,'/src/work.c',10);
INSERT INTO frame VALUES(2,25,'step',1,1280,0,1,NULL,NULL);
INSERT INTO frame VALUES(2,26,'loop',1,1296,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,0,'_start',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,1,'main',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,2,'want_lock',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,3,'__lll_lock_wait',1,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,4,'do_syscall_64',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,5,'__x64_sys_futex',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,6,'futex_do_wait',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,7,'[blocked]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,8,'--',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,9,'try_to_wake_up',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,10,'release_lock',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,11,'bench',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,12,'[run queue]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,13,'touch',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,14,'asm_exc_page_fault',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,15,'io_schedule',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,16,'[blocked: uninterruptible]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,17,'burn',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,18,'[preempted]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,19,'clone3',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,20,'await_work',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,21,'epoll_wait',1,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(3,22,'__x64_sys_epoll_wait',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,23,'[blocked, open]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(3,24,'ret_from_fork_asm',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,25,'ret_from_fork',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,26,'kthread',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,27,'worker_thread',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(3,28,'[blocked: idle]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,0,'_start',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,1,'main',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,2,'want_lock',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,3,'__lll_lock_wait',1,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,4,'do_syscall_64',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,5,'__x64_sys_futex',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,6,'futex_do_wait',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,7,'[blocked]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,8,'--',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,9,'try_to_wake_up',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,10,'release_lock',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,11,'bench',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,12,'[run queue]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,13,'touch',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,14,'asm_exc_page_fault',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,15,'io_schedule',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,16,'[blocked: uninterruptible]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,17,'burn',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,18,'[preempted]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,19,'clone3',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,20,'await_work',0,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,21,'epoll_wait',1,0,0,0,NULL,NULL);
INSERT INTO frame VALUES(4,22,'__x64_sys_epoll_wait',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,23,'[blocked, open]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(4,24,'ret_from_fork_asm',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,25,'ret_from_fork',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,26,'kthread',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,27,'worker_thread',2,0,1,0,NULL,NULL);
INSERT INTO frame VALUES(4,28,'[blocked: idle]',NULL,0,4,0,NULL,NULL);
INSERT INTO frame VALUES(6,0,'_start',0,4096,0,0,NULL,NULL);
INSERT INTO frame VALUES(6,1,'main',0,4384,0,0,'/src/bench.c',42);
INSERT INTO frame VALUES(6,2,'compute(std::vector<int, std::allocator<int>> const&)',0,4608,0,0,NULL,NULL);
INSERT INTO frame VALUES(6,3,'square',0,4608,0,1,NULL,NULL);
INSERT INTO frame VALUES(6,4,'fib',0,4864,0,0,NULL,NULL);
INSERT INTO frame VALUES(6,5,'memcpy',1,36864,0,0,NULL,NULL);
INSERT INTO frame VALUES(6,6,'ksys_write',2,-2130706416,1,0,NULL,NULL);
INSERT INTO frame VALUES(6,7,'copy_from_user',2,-2130702592,1,0,NULL,NULL);
INSERT INTO frame VALUES(6,8,'[libc.so.6+0x1234]',1,4660,3,0,NULL,NULL);
INSERT INTO frame VALUES(6,9,replace('LazyCompile:~<run>&"]]>'' [u8; 8]\n[31m','\n',char(10)),NULL,139637976731648,2,0,NULL,NULL);
INSERT INTO frame VALUES(6,10,'[truncated: no frame pointer]',NULL,0,4,0,NULL,NULL);
CREATE TABLE thread (
  task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
  number INTEGER NOT NULL, -- from 0, without gaps
  pid INTEGER NOT NULL,
  tid INTEGER NOT NULL,
  process_name TEXT NOT NULL,
  name TEXT NOT NULL,
  weights BLOB NOT NULL, extremes BLOB, -- see WeightCoding
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
INSERT INTO thread VALUES(1,0,100,100,'bench','bench',X'80ade204000100025800019c030003e60100013c00071e00',NULL);
INSERT INTO thread VALUES(1,1,100,101,'bench','worker',X'80ade204095f00010e00014600',NULL);
INSERT INTO thread VALUES(2,0,100,100,'bench','bench',X'80ade204020a00030b00030c00030d00030e00030f00031000031100031200041500032200',NULL);
INSERT INTO thread VALUES(2,1,100,102,'bench','pool;1 a',X'80ade204223700',NULL);
INSERT INTO thread VALUES(3,0,100,100,'bench','bench',X'80dac4090d28000128ff8d84f905048407ffa5a7b885010203ffafe32d060280e8fee78501',X'01ff86a70ee807a8b70580f104e0d556010180a0d9e61d80a8d6b907');
INSERT INTO thread VALUES(3,1,100,100,'kworker/0:1','kworker/0:1',X'80b5181f3200',X'0ab6843d');
INSERT INTO thread VALUES(4,0,100,100,'bench','bench',X'80dac4090d28000128ff8d84f905048407ffa5a7b885010203ffafe32d060280e8fee78501',X'01ff86a70ee807a8b70580f104e0d556010180a0d9e61d80a8d6b907');
INSERT INTO thread VALUES(4,1,100,100,'kworker/0:1','kworker/0:1',X'80b5181f3200',X'0ab6843d');
INSERT INTO thread VALUES(6,0,100,100,'bench','bench',X'80ade204000100025800019c030003e60100013c00071e00',NULL);
INSERT INTO thread VALUES(6,1,100,101,'bench','worker',X'80ade204095f00010e00014600',NULL);
CREATE TABLE network_profile (
  task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
  document BLOB NOT NULL -- JSON, gzip; see NetworkRecord
) STRICT;
INSERT INTO network_profile VALUES(5,X'1f8b0800000000000203d558db6edc3610fd15830f7d0854af48512b695104488d3405dada416cf4253116b2c4ac05cb92426a63a7c6fe7b87a42e1445258e7b496bc36b5b22879c73660e67f8805895377551b5026dde3ea086d71913f0778c89879ab4bd461bb44a9b6255f39c7181bc7ec8697acbe05db52baa7b78dad66d5ac2bc07c49968ea4ab01f3fb50c1e1012121fbe3c94ef79da16f00a560ad7d4d75f5ed0ff11465e227f639f78f1a587f6555a893bc6598e3630fd7dc1452b8d9ea6552d5856573958a2a1df59f260e50f7ba6c7c01bb015cba7a24ddbbd38295321e4e3b7be5e457ecb55b27a5fb57af4c143b7acbdae613df4eae50578c5eb523a2918ffc838fc5f888b5fcfd1e63db8ca0ede3f015788fd395a98ac7b907038802561f5d69147fdc78205c8fa6eb08842d10516d16051f818d192c34db45e9f9d3f1d2eb96691adcabadafd173f76f5b1f8b87b42e0870e267b1e81b88147c9f863190cfd0502fbb0991388fb6837f893cfbe32dad5e4aa6259efca8c4e273c2cdf31e50f67b7752bdf60121dfbf08d3721c198c298ba6115cb5fb412c46a12af5112523f8e03dc8b84dcf588f895f4fd0dcb58f151a2d6e9cc649b78004acd70c093486cb042c78d7912f64c5a14f560266a9109f9348a420749099ea536eead1b992df704898d2f0fd282724f06141e7cbb2824c8a00b7aa6fe15243043b2b8aff20b5e3430804a9b9efe24917aad303b6772e334ee628669298d71cf056c1596ce99c8c04e5b7300611e1e659da5e584d0d8479334971bb30363b7af8aace6d5101bd4888d15df572b80b710c7a2ce6e26e965d36a914fc32fbafe18f006b44d2c0688f0143f158e1d2c5959c887232c48a64c55e7cc4a9607b4f5014f8c5582a57cc7da2ec760b8c6e88edfa0c304493d49e559b603371b259c9f44cb6e8f4559646c75c7ae9069b1e5fbd1a0ce4697494dd1536c0e442ab33d85b040cd61684803d86b9ae75c2d86b0af622442c3fcfcea18ca0ec62b40cb32314eb303c2bd5660ae040ee14d7e156fe0f9b2619c10d80e39c6118c01a2447adb941d552012bcfdbc20d1d010a46992c78be24da25ebb6de1edc4031efc7c71f17a858ff151e893a3efdff17795fcf9e1eaf9779797cfd1a81d13c38171284c6448661f836475a9ae9dce6efd36cf00ef31f58e56587952910119ede89131f0a8f7537af7620f68f0e20fe5d8e6e8d9b367bddf0a9b54d4155808efef95baf40b509fce9d70c283fdf170fc2a62dd9038dd5e383a065a3a27e8fd3dfa5b60b122684acc3c20e7716111bb18258ed004e4e7a16952a334e551d450ec7f33728275e2dbfc88b2befbff1304f83b08bad427aed6b8964329a3e513b5590386ba034c2e2d1a96de4895bc6edb668565566b1637d8de979ef57bc1ee6667f49acad78037a0200f03ebc00ebac66d5aa0f535157418b1b39a1dfb11d9bd99a5543416c7664f89c73ee9eb5acbb54fe882ae067e5736d8059edc7657158ca5088975a13514236b3aab46a2756c95236ad0588f48b88c9a4482db1725249cd62558b71e879eb6a7b0d3d99892e374d6fb4b9c610767c4c35001c3e058362f8a34ea606d91932fd1f98de9e9035fd52646622da7e4da66923335f8b668953c5a3d4f30328b1dc4ce685db82c0897aa8a28745c51c4f3c636507ded3c1e02a321353925432805fe4c24030773389816f9c18cb7606dd1164c8bfc60a42c507eb25698053f84e194bc6408a1b94876ca28ab64935ab24ced90991d5dd462329ed14762df7725e6f4ea2189a3be17d6a98913999a5602393255e59d3b53a9f3c64ecf98aaebc2d545122ddcd4a9ddcdc8eda81bc88d67e42636b9f1845c09959192f1402ab1492503a97dc6e1cff03b5c67f504078f20d864d550deb9f00e3dc2fbb42887ac30dda6b6144d952852de4dd2c4d23739be4765d4a9d00225b4312106264d2dda1d44dd877239eee914166817ef17031f5b813fc725f1a74e25539fc82c3ab4da1b3091a5fe9e2cf4f7f1a2fbaa23fd4c448496ebf91722c225d3f1bf7e9fb1a60beee695705c078a7acf33d556df1495ac7465872ef5d343d7a93849cb52ee4cf4d7067cf0cd1828d45a48df3a6c339823a0934010154a924c98b660008af02dbcd3db6bd24f659de65b7153348df2cba7e46006d249a77e01f899f3ba51162f4e5e6fcf7e3afbede59b572f55ee9e9e6dcfcf4e7e81321d503f1cfe04896c305713190000');
INSERT INTO network_profile VALUES(8,X'1f8b08000000000002036d8e310ec2300c45efe2390373d75e810d2114251f8870ec284e9150d5bb93a2829060fb7e1ede9b09128b266946c3e1e828562d7dce8b23c40b366a3ad5808ec9208d06b28735e453f0cc468e2a02d21df1f7734bf2875ebd8d7dee535e0d67cf862e0c2a82d092caa8d3aad97db32d45347eaa7c2efc3e58cdf02a5f9e36b9fe35d5000000');
CREATE TABLE cooldown (
  policy TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_ticks INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  until_s INTEGER NOT NULL, -- of CLOCK_MONOTONIC of that boot
  PRIMARY KEY (policy, pid, start_ticks, boot_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE metric_history (
  resolution INTEGER NOT NULL, -- seconds an entry
  start INTEGER NOT NULL, -- s since the Unix epoch, of the first entry
  pid INTEGER NOT NULL,
  start_ticks INTEGER NOT NULL,
  process_name TEXT NOT NULL,
  entries BLOB NOT NULL, -- see MetricHistoryCoding
  PRIMARY KEY (resolution, start, pid, start_ticks)
) STRICT, WITHOUT ROWID;
INSERT INTO metric_history VALUES(1,1795409190,100,4711,'bench',X'0102640480a00601028c010080080102b4010080080101008008010484020080082800a0990201000104d4020080103c00f0a5030104fc02008008460198ec030104a4030080085000c0b2040104cc030280085a01e8f8040104f403008008640090bf0501049c040080086e01b8850601000104ec04008010820101889207010494050080088c0100b0d8070104bc05008008960101d89e080104e405008008a0010080e50801048c06008008aa0101a8ab090104b406028008b40100d0f1090100');
CREATE TABLE trigger_log (
  id INTEGER PRIMARY KEY,
  fired_at INTEGER NOT NULL, -- ns since the Unix epoch
  policy TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  task INTEGER REFERENCES task ON DELETE SET NULL
) STRICT;
INSERT INTO trigger_log VALUES(1,1795409191250000000,'checkout',100,'bench','started',NULL,6);
INSERT INTO trigger_log VALUES(2,1795409192250000000,'checkout',100,'bench','held_back','2 tasks run already',NULL);
CREATE TABLE watch (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  updated_at INTEGER NOT NULL, -- ns since the Unix epoch
  document TEXT NOT NULL -- JSON object, see WatchState
) STRICT;
INSERT INTO watch VALUES(1,1795409196250000000,'{"policies":[{"name":"checkout","processes":[{"threads":4,"residentMiB":60.25,"cooldownSeconds":590,"pid":100,"name":"bench","cpu":85.5}],"rules":["process_cpu >= 80 %, 3 of 10 s"],"processCount":2,"kind":"oncpu"}],"runningTasks":1,"startedAt":{"nanoseconds":1795408831250000000},"policyFile":"\/etc\/swprof\/policies.yaml","pid":99}');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('task',10);
CREATE INDEX task_by_status ON task (status);
CREATE INDEX trigger_log_by_time ON trigger_log (fired_at);
CREATE INDEX trigger_log_by_task ON trigger_log (task);
COMMIT;
