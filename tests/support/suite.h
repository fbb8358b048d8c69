// SPDX-License-Identifier: Apache-2.0
/* A Check suite in one line: SUITE_MAIN("name", test_a, test_b). Each test stands in its own case and process. */
#ifndef MASQUES_TESTS_SUITE_H
#define MASQUES_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* A test that tries every place of many bytes goes on by so much: the release build tries all, that with sanitizers,
 * which takes ten times as long, some (tests/CMakeLists.txt). */
#ifndef SUITE_STRIDE
#define SUITE_STRIDE 1u
#endif

#define SUITE_MAIN(title, ...)                                                                      \
    int main(void)                                                                                  \
    {                                                                                               \
        const TTest *const tests[] = {__VA_ARGS__};                                                 \
        Suite *suite = suite_create(title);                                                         \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {                               \
            TCase *tc = tcase_create(tests[i]->name);                                               \
            tcase_add_test(tc, tests[i]);                                                           \
            suite_add_tcase(suite, tc);                                                             \
        }                                                                                           \
        SRunner *runner = srunner_create(suite);                                                    \
        srunner_run_all(runner, CK_NORMAL);                                                         \
        int failed = srunner_ntests_failed(runner);                                                 \
        int ran = srunner_ntests_run(runner);                                                       \
        srunner_free(runner);                                                                       \
        return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                \
    }

#endif
