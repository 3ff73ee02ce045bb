import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

from tenantry.sdk.models import protect, uuid7


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Template",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant_id", models.UUIDField(db_index=True, editable=False)),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("body", models.TextField(verbose_name="text")),
                ("cafe", models.CharField(max_length=50, verbose_name="cafe")),
                ("board", models.CharField(max_length=50, verbose_name="board")),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
            ],
            options={
                "db_table": "cafe_template",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "name"), name="cafe_template_name_once"
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("body"), 20000
                        ),
                        name="cafe_template_body_length",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TemplateImage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant_id", models.UUIDField(db_index=True, editable=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=100)),
                ("media_type", models.CharField(max_length=20)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("data", models.BinaryField()),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="images",
                        to="cafe.template",
                    ),
                ),
            ],
            options={
                "db_table": "cafe_image",
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("template", "position"),
                        name="cafe_image_position_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("position__lt", 10)), name="cafe_image_count"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("size__lte", 10485760)), name="cafe_image_size"
                    ),
                ],
            },
        ),
        protect("cafe_template"),
        protect("cafe_image"),
    ]
