/* One SRC argument -> files. */
#include "media_test.h"

static void touch(const char *name) { write_file(in_dir(name), "x", 1); }

static void expect(const char *src, const char *const *want, int n)
{
    char **names = NULL;
    int count = -1;
    fv_error err = {0};
    if (media->expand(src, &names, &count, &err) != FV_OK) fail_msg("%s", err.text);
    assert_int_equal(count, n);
    for (int i = 0; i < n; i++) assert_string_equal(names[i], want[i]);
    media->names_free(&names, count);
    assert_null(names);
}

static void refuse(const char *src, const char *word)
{
    char **names = NULL;
    int count = -1;
    fv_error err = {0};
    assert_int_equal(media->expand(src, &names, &count, &err), FV_ERR_INPUT);
    assert_null(names);
    assert_int_equal(count, 0);
    if (!strstr(err.text, word)) fail_msg("'%s' does not say '%s'", err.text, word);
}

static void a_file_is_itself(void **state)
{
    (void)state;
    touch("odd.name");
    expect(in_dir("odd.name"), (const char *[]){in_dir("odd.name")}, 1);
    expect("-", (const char *[]){"-"}, 1);
    touch("a[1].jpg"); /* looks like a pattern, but is there */
    expect(in_dir("a[1].jpg"), (const char *[]){in_dir("a[1].jpg")}, 1);
}

static void a_directory_gives_its_media(void **state)
{
    (void)state;
    mkdir(in_dir("d"), 0777);
    mkdir(in_dir("d/sub.jpg"), 0777); /* a folder, whatever its name */
    touch("d/b.JPG");
    touch("d/a10.png");
    touch("d/a2.mp4");
    touch("d/.hidden.jpg");
    touch("d/notes.txt");
    touch("d/jpg");
    expect(in_dir("d"), (const char *[]){in_dir("d/a10.png"), in_dir("d/a2.mp4"), in_dir("d/b.JPG")}, 3);
    expect(in_dir("d/"), (const char *[]){in_dir("d/a10.png"), in_dir("d/a2.mp4"), in_dir("d/b.JPG")}, 3);
}

static void a_pattern_gives_its_matches(void **state)
{
    (void)state;
    mkdir(in_dir("g"), 0777);
    touch("g/2.jpg");
    touch("g/1.jpg");
    touch("g/3.txt");
    touch("g/x.dat");
    expect(in_dir("g/*.jpg"), (const char *[]){in_dir("g/1.jpg"), in_dir("g/2.jpg")}, 2);
    expect(in_dir("g/*"), (const char *[]){in_dir("g/1.jpg"), in_dir("g/2.jpg")}, 2);
    expect(in_dir("g/?.j[op]g"), (const char *[]){in_dir("g/1.jpg"), in_dir("g/2.jpg")}, 2);
    expect(in_dir("g/*.dat"), (const char *[]){in_dir("g/x.dat")}, 1);
}

static void a_list_gives_its_entries(void **state)
{
    (void)state;
    mkdir(in_dir("l"), 0777);
    const char *text = "# cameras\nrtsp://u:p@cam/1\n\n  b.mp4 \r\na.mp4\n/abs/c.mp4\n0\nconcat:a|b\nfile:x\n";
    write_file(in_dir("l/all.streams"), text, strlen(text));
    expect(in_dir("l/all.streams"), (const char *[]){"rtsp://u:p@cam/1", in_dir("l/b.mp4"), in_dir("l/a.mp4"), "/abs/c.mp4", "0", in_dir("l/concat:a|b"), in_dir("l/file:x")}, 7);
    write_file(in_dir("l/none.txt"), "# nothing\n\n", 11);
    refuse(in_dir("l/none.txt"), "no source is named");
    write_file(in_dir("l/dash.txt"), "a\n-\n", 4);
    refuse(in_dir("l/dash.txt"), "dash.txt:2: standard input");
    char long_line[6000];
    memset(long_line, 'x', sizeof long_line);
    write_file(in_dir("l/long.txt"), long_line, sizeof long_line);
    refuse(in_dir("l/long.txt"), "too long");
    write_file(in_dir("l/binary.txt"), "a\0b\nc\n", 7);
    refuse(in_dir("l/binary.txt"), "no text");
    assert_int_equal(media->source_is_live("rtsp://cam/1"), 1);
    assert_int_equal(media->source_is_live("0"), 1);
    assert_int_equal(media->source_is_live("http://host/film.mp4?x=1"), 0);
    assert_int_equal(media->source_is_live("http://host/live"), 1);
    assert_int_equal(media->source_is_live(in_dir("l/b.mp4")), 0);
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    mkdir(in_dir("empty"), 0777);
    refuse(in_dir("none.mp4"), "none.mp4");
    refuse(in_dir("*.none"), "no file matches");
    refuse(in_dir("empty"), "no pictures or videos");
    refuse("", "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_itself), cmocka_unit_test(a_directory_gives_its_media),
        cmocka_unit_test(a_pattern_gives_its_matches), cmocka_unit_test(a_list_gives_its_entries), cmocka_unit_test(what_is_not_there_is_named)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
